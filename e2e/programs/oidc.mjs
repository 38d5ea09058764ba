// A real OpenID provider, of one client, whose user is whoever the test says: signing in and consenting need no clicks.
// It listens first and is set up by POST /setup, because its client's address is known only when that has read the issuer's.
import http from "node:http";
import Provider from "oidc-provider";

let provider, user;

function setUp(issuer, { redirect_uri, secret }) {
  provider = new Provider(issuer, {
    clients: [{ client_id: "signalbox", client_secret: secret, redirect_uris: [redirect_uri], grant_types: ["authorization_code"], response_types: ["code"] }],
    pkce: { required: () => true },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...user }) }),
    cookies: { keys: ["a key of the tests"] },
  });
}

// interact signs the user in, or consents for the user, whatever the provider asks.
async function interact(req, res) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(req, res);
  if (user.denies) {
    return provider.interactionFinished(req, res, { error: "access_denied" });
  }
  if (prompt.name === "login") {
    return provider.interactionFinished(req, res, { login: { accountId: user.email } });
  }
  const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope("openid email profile");
  return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

async function bodyOf(req) {
  let text = "";
  for await (const part of req) text += part;
  return JSON.parse(text);
}

const server = http.createServer(async (req, res) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  try {
    if (req.url === "/setup") {
      setUp(issuer, await bodyOf(req));
      return res.end();
    }
    if (req.url === "/user") {
      user = await bodyOf(req);
      return res.end();
    }
    if (req.url.startsWith("/interaction/")) return await interact(req, res);
    return provider.callback()(req, res);
  } catch (err) {
    console.error(err);
    res.writeHead(500).end(String(err));
  }
});
server.listen(0, "127.0.0.1", () => console.log(`listening ${server.address().port}`));
process.stdin.on("end", () => process.exit(0)).resume();
