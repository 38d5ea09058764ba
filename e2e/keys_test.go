package e2e

import (
	"encoding/base64"
	"net/http"
	"testing"
)

// nodeVerifies checks an ed25519 signature of Standard Webhooks with Node's own crypto and nothing of ours.
const nodeVerifies = `
const { createPublicKey, verify } = require("node:crypto");
const [key, id, stamp, header, body] = process.argv.slice(1);
const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(key.slice("whpk_".length), "base64")]);
const content = Buffer.concat([Buffer.from(id + "." + stamp + "."), Buffer.from(body, "base64")]);
const ok = header.split(" ").some((item) => item.startsWith("v1a,") && verify(null, content, createPublicKey({ key: spki, format: "der", type: "spki" }), Buffer.from(item.slice(4), "base64")));
console.log(ok ? "verified" : "refused");`

// A receiver verifies with the public key that it reads, and with nothing that it has to keep secret.
func TestKeys_AReceiverVerifiesWithThePublicKeyAlone(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	c := catch(t, nil)
	var made struct {
		ID        string `json:"id"`
		PublicKey string `json:"public_key"`
	}
	s.bare(http.MethodPost, "/v1/webhooks", map[string]any{"url": c.URL, "events": []string{"signal.created"}, "asymmetric": true}, &made)
	s.send(trial())
	d := c.next()
	var keys struct {
		Keys []string `json:"public_keys"`
	}
	s.json(http.MethodGet, "/v1/webhooks/"+made.ID+"/public-key", nil, &keys)
	if len(keys.Keys) != 1 || keys.Keys[0] != made.PublicKey {
		t.Fatalf("keys %v, want %s", keys.Keys, made.PublicKey)
	}
	verified := func(body []byte) bool {
		return output(t, nil, kit.node, "-e", nodeVerifies, keys.Keys[0], d.header.Get("Webhook-Id"), d.header.Get("Webhook-Timestamp"), d.header.Get("Webhook-Signature"),
			base64.StdEncoding.EncodeToString(body)) == "verified\n"
	}
	if !verified(d.body) {
		t.Errorf("the delivery does not verify: %v", d.header)
	}
	forged := append([]byte{}, d.body...)
	forged[len(forged)/2] ^= 1
	if verified(forged) {
		t.Error("a changed body verifies")
	}
}
