// A real mail server that takes what it is sent and tells of it, a line of JSON each. The environment says with what certificate, and how it answers:
// refuse=450 or 550 refuses every recipient with that code until a line arrives on the standard input.
import fs from "node:fs";
import readline from "node:readline";
import { SMTPServer } from "smtp-server";

const { CERT, KEY, SECURE, REFUSE } = process.env;
let refuse = Number(REFUSE ?? 0);
readline.createInterface({ input: process.stdin })
  .on("line", () => (refuse = 0))
  .on("close", () => process.exit(0));

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

const server = new SMTPServer({
  ...(CERT ? { cert: fs.readFileSync(CERT), key: fs.readFileSync(KEY) } : { hideSTARTTLS: true }),
  secure: SECURE === "1",
  authOptional: true,
  allowInsecureAuth: true,
  logger: false,
  onAuth: ({ username, password }, _session, done) =>
    username === "signalbox" && password === "p@ss:word" ? done(null, { user: username }) : done(new Error("not that password")),
  onRcptTo({ address }, _session, done) {
    if (refuse === 0) return done();
    say({ refused: address, code: refuse });
    done(Object.assign(new Error("not now"), { responseCode: refuse }));
  },
  onData(stream, session, done) {
    const parts = [];
    stream.on("data", (part) => parts.push(part));
    stream.on("end", () => {
      const { envelope, user, secure } = session;
      say({ from: envelope.mailFrom.address, to: envelope.rcptTo.map((r) => r.address), user, secure, raw: Buffer.concat(parts).toString("utf8") });
      done();
    });
  },
});
server.on("error", () => {}); // a client that goes away is no end
server.listen(0, "127.0.0.1", () => say({ listening: server.server.address().port }));
