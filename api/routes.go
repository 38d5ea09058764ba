package api

import "slices"

// table is every operation there is, in the order of the document: that of a newcomer's first hour, and the one in which the
// examples are run by the tests. Each resource's file holds its own rows.
func (a *API) table() []route {
	return slices.Concat(
		a.sessionRoutes(),
		a.signalRoutes(),
		a.captureRoutes(),
		a.typeRoutes(),
		a.webhookRoutes(),
		a.secretRoutes(),
		[]route{a.eventTypeRoute()},
		a.deliveryRoutes(),
		a.recoverRoutes(),
		a.overviewRoutes(),
		[]route{a.deleteWebhookRoute()},
		a.mergeRoutes(),
		a.accountRoutes(),
		a.contactRoutes(),
		[]route{a.leadRoute(), a.requalifyAllRoute()},
		a.importRoutes(),
		a.audienceRoutes(),
		a.jobRoutes(),
		[]route{a.deleteAudienceRoute()},
		a.linkedRoutes(),
		a.keyRoutes(),
		a.memberRoutes(),
		a.linkRoutes(),
		a.auditRoutes(),
		a.scoringRoutes(),
		a.profileRoutes(),
		a.workspaceRoutes(),
		[]route{a.logRoute(), a.streamRoute()},
		a.healthRoutes(),
		a.referenceRoutes(),
	)
}
