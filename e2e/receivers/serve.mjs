// What every Express receiver needs around its route: a free port of loopback, counts for whoever asks, and an end.
import express from "express";

const raw = express.raw({ type: "application/json", limit: "5mb" });

// receiver makes an app whose route at path answers 200 when verify(request) is true and 401 when it is false or throws. Throwing
// is how the libraries refuse. parse is what reads the body.
export function receiver(path, verify, parse = raw) {
  const app = express();
  const counts = { verified: 0, refused: 0 };
  app.post(path, parse, (req, res) => {
    if (!verify(req)) {
      counts.refused++;
      return res.status(401).send("Invalid signature");
    }
    const event = parse === raw ? JSON.parse(req.body) : req.body;
    if (typeof event !== "object") return res.status(422).send("no event");
    counts.verified++;
    res.status(200).send("OK");
  });
  app.get("/counts", (req, res) => res.json(counts));
  listen(app);
}

// refuses turns a library's way of refusing into false.
export function refuses(verify) {
  return (req) => {
    try {
      verify(req);
      return true;
    } catch {
      return false;
    }
  };
}

// listen serves the app until standard input ends.
export function listen(app) {
  const server = app.listen(0, "127.0.0.1", () => console.log(`listening ${server.address().port}`));
  process.stdin.on("end", () => process.exit(0)).resume();
}
