/**
 * How a request is signed. The first two and stripe sign a timestamp, so that a replay is refused. staircase-secret-sha256 is weak: whoever sees one
 * request can forge the next.
 */
export type Scheme = "standard" | "standard-ed25519" | "stairoids" | "stairoids-prefixed" | "staircase" | "staircase-secret-sha256" | "stackone" | "github" | "stripe";
/** Headers as Node's http, Express, fetch and others hold them. */
export type HeaderBag = {
    readonly [name: string]: string | readonly string[] | undefined;
} | Iterable<readonly [string, string]>;
/** The raw bytes of the body, before any parsing. A string stands for its UTF-8 bytes. */
export type Body = Uint8Array | string;
/** How to verify. */
export interface VerifyOptions {
    /** standard unless given. */
    scheme?: Scheme | undefined;
    /** How many seconds a signed timestamp may lie before or after now; 300. */
    tolerance?: number | undefined;
    now?: Date | undefined;
}
/**
 * Returns if the body was signed under the scheme with one of the secrets, and throws a VerificationError if not. Give it the raw bytes of the body. It
 * keeps no record of ids: refusing a repeated webhook-id is the receiver's work.
 */
export declare function verify(headers: HeaderBag, rawBody: Body, secret: string | readonly string[], options?: VerifyOptions): void;
