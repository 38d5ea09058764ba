// Package api holds the public doors: every /v1 route, the OpenAPI document that describes them, the reference page that shows
// it, and the health checks.
//
// There is one table of routes (routes.go). From it come the mux, the document, the page and the tests: a route that is not in
// the table does not exist, and one that is cannot be served without being authenticated, documented and tested. A handler makes
// four moves: authenticate (done before it runs), decode and check, call one method, answer.
//
// The document is made by this package from the Go types that decode and encode (schema.go), not by a framework. huma was weighed
// and left: the contract fixes the error shape with its param, names unknown fields, refuses what strictjson refuses and answers
// some routes bare, and each of these would have replaced a part of huma; what remained of it was the reflection.
//
// Invariants:
//   - the workspace comes from the key or the session and from nowhere else; an id of another workspace answers exactly as an unknown one;
//   - every answer carries X-Request-Id, every refusal is the one error shape of contract section 2, and nothing that is not
//     a *signalbox.Error is shown: it is logged under the request id and answered as internal_error;
//   - a body is bounded before its first byte is read; unknown fields and query parameters are refused by name, except on the
//     signal doors, which ignore and name them;
//   - a panic costs its own request only;
//   - secrets leave in the answer that made them and never again.
//
// It refuses to decide anything about signals (intake), to send (deliver), and to know SQL (store): it reaches them through the
// small interfaces in doors.go.
package api
