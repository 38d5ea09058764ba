package inbound

import "signalbox"

// ReadyMapping is a door that is ready for a tool: what is left is its secret.
type ReadyMapping struct {
	Name        string // "github"
	Label       string // "GitHub"
	Description string // what it takes, and what to set where, for people
	Incoming    signalbox.Incoming
}

// Ready lists the mappings that are ready, each tested on the tool's own sample bodies. They are made to be copied and changed.
func Ready() []ReadyMapping { return []ReadyMapping{gitHub(), hubSpot(), calendly(), stripe()} }

func gitHub() ReadyMapping {
	return ReadyMapping{
		Name: "github", Label: "GitHub",
		Description: "Webhooks of a repository, an organisation or an app: github_star_created, github_issues_opened, github_push. " +
			"In GitHub choose the content type application/json and set a secret. GitHub tells e-mail addresses of commits only: a push is about the author of its last commit, " +
			"and what else happens is about nobody until you map who it is.",
		Incoming: signalbox.Incoming{
			Verify: signalbox.Verification{Preset: signalbox.PresetGitHub},
			Mapping: signalbox.Mapping{
				When:   `headers["x-github-event"] != "ping"`,
				Type:   `"github_" + headers["x-github-event"] + (has(body.action) ? "_" + body.action : "")`,
				Source: `"github"`,
				Contact: signalbox.ContactMapping{
					// GitHub's stand-in addresses belong to nobody's company.
					Email: `has(body.head_commit.author.email) && !body.head_commit.author.email.endsWith("noreply.github.com") ? body.head_commit.author.email : ""`,
				},
				Properties: `{
  "event": "{{ headers['x-github-event'] }}",
  "action": "{{ body.action }}",
  "repository": "{{ body.repository.full_name }}",
  "organization": "{{ body.organization.login }}",
  "sender": "{{ body.sender.login }}",
  "ref": "{{ body.ref }}",
  "title": "{{ has(body.issue) ? body.issue.title : (has(body.pull_request) ? body.pull_request.title : (has(body.release) ? body.release.name : body.discussion.title)) }}",
  "number": "{{ has(body.issue) ? body.issue.number : (has(body.pull_request) ? body.pull_request.number : body.discussion.number) }}",
  "url": "{{ has(body.issue) ? body.issue.html_url : (has(body.pull_request) ? body.pull_request.html_url : (has(body.release) ? body.release.html_url : body.repository.html_url)) }}",
  "stars": "{{ body.repository.stargazers_count }}"
}`,
				IdempotencyKey: `"github:" + headers["x-github-delivery"]`,
			},
		},
	}
}

func hubSpot() ReadyMapping {
	return ReadyMapping{
		Name: "hubspot", Label: "HubSpot",
		Description: "Webhook subscriptions of an app: hubspot_contact_creation, hubspot_deal_propertychange, hubspot_company_deletion. The secret is the app's client secret. " +
			"HubSpot sends ids and the property that changed, not the whole record: subscribe to changes of email and domain, so that later signals find their contact and account.",
		Incoming: signalbox.Incoming{
			Verify: signalbox.Verification{Preset: signalbox.PresetHubSpot},
			Mapping: signalbox.Mapping{
				Each:   `body`,
				Type:   `"hubspot_" + item.subscriptionType.replace(".", "_").lowerAscii()`,
				Source: `"hubspot"`,
				// Newer apps subscribe to object.… and say by a number what the object is: 0-1 is a contact, 0-2 a company.
				Account: signalbox.AccountMapping{
					Domain: `(item.subscriptionType.startsWith("company.") || item.objectTypeId == "0-2") && item.propertyName == "domain" ? item.propertyValue : ""`,
				},
				Contact: signalbox.ContactMapping{
					Email: `(item.subscriptionType.startsWith("contact.") || item.objectTypeId == "0-1") && item.propertyName == "email" ? item.propertyValue : ""`,
				},
				// Not attemptNumber: the same event sent again must be the same signal.
				Properties: `{
  "object_id": "{{ item.objectId }}",
  "object_type": "{{ item.objectTypeId }}",
  "property": "{{ item.propertyName }}",
  "value": "{{ item.propertyValue }}",
  "change_source": "{{ item.changeSource }}",
  "portal_id": "{{ item.portalId }}",
  "event_id": "{{ item.eventId }}"
}`,
				OccurredAt: `item.occurredAt`,
				// HubSpot promises no unique eventId.
				IdempotencyKey: `"hubspot:" + string(item.portalId) + ":" + string(item.subscriptionId) + ":" + string(item.eventId) + ":" + string(item.objectId) + ":" + string(item.occurredAt)`,
			},
		},
	}
}

func calendly() ReadyMapping {
	return ReadyMapping{
		Name: "calendly", Label: "Calendly",
		Description: "Webhook subscriptions: calendly_invitee_created, calendly_invitee_canceled, calendly_invitee_no_show_created, calendly_routing_form_submission_created. " +
			"The secret is the signing_key that you give when you make the subscription with Calendly's API.",
		Incoming: signalbox.Incoming{
			Verify: signalbox.Verification{Preset: signalbox.PresetCalendly},
			Mapping: signalbox.Mapping{
				Type:   `"calendly_" + body.event.replace(".", "_")`,
				Source: `"calendly"`,
				Contact: signalbox.ContactMapping{
					Email: `has(body.payload.email) ? body.payload.email : body.payload.invitee.email`,
					// Calendly asks for one name or for two, as the event type says.
					FirstName: `has(body.payload.first_name) ? body.payload.first_name : (has(body.payload.name) ? body.payload.name.trim().split(" ")[0] : "")`,
					LastName: `has(body.payload.last_name) ? body.payload.last_name : ` +
						`(has(body.payload.name) && body.payload.name.trim().contains(" ") ? body.payload.name.trim().substring(body.payload.name.trim().indexOf(" ") + 1, body.payload.name.trim().size()).trim() : "")`,
				},
				Properties: `{
  "event": "{{ body.event }}",
  "event_name": "{{ body.payload.scheduled_event.name }}",
  "start_time": "{{ body.payload.scheduled_event.start_time }}",
  "status": "{{ body.payload.status }}",
  "rescheduled": "{{ body.payload.rescheduled }}",
  "cancel_reason": "{{ body.payload.cancellation.reason }}",
  "timezone": "{{ body.payload.timezone }}",
  "answers": "{{ body.payload.questions_and_answers }}",
  "utm_source": "{{ body.payload.tracking.utm_source }}",
  "utm_medium": "{{ body.payload.tracking.utm_medium }}",
  "utm_campaign": "{{ body.payload.tracking.utm_campaign }}",
  "uri": "{{ body.payload.uri }}"
}`,
				OccurredAt:     `body.created_at`,
				IdempotencyKey: `"calendly:" + body.event + ":" + body.payload.uri`,
			},
		},
	}
}

func stripe() ReadyMapping {
	return ReadyMapping{
		Name: "stripe", Label: "Stripe",
		Description: "Events of an endpoint: stripe_checkout_session_completed, stripe_invoice_paid, stripe_customer_subscription_deleted. The secret is the endpoint's signing secret, whsec_…. " +
			"Events of test mode come too, with livemode false; to leave them out set when to body.livemode.",
		Incoming: signalbox.Incoming{
			Verify: signalbox.Verification{Preset: signalbox.PresetStripe},
			Mapping: signalbox.Mapping{
				Type:   `"stripe_" + body.type.replace(".", "_")`,
				Source: `"stripe"`,
				Contact: signalbox.ContactMapping{
					Email: `has(body.data.object.email) ? body.data.object.email : (has(body.data.object.customer_email) ? body.data.object.customer_email : ` +
						`(has(body.data.object.customer_details.email) ? body.data.object.customer_details.email : ` +
						`(has(body.data.object.billing_details.email) ? body.data.object.billing_details.email : body.data.object.receipt_email)))`,
				},
				Properties: `{
  "event": "{{ body.type }}",
  "livemode": "{{ body.livemode }}",
  "object": "{{ body.data.object.object }}",
  "object_id": "{{ body.data.object.id }}",
  "customer": "{{ body.data.object.object == 'customer' ? body.data.object.id : body.data.object.customer }}",
  "subscription": "{{ body.data.object.subscription }}",
  "status": "{{ has(body.data.object.status) ? body.data.object.status : body.data.object.payment_status }}",
  "amount": "{{ has(body.data.object.amount_total) ? body.data.object.amount_total : (has(body.data.object.amount_paid) ? body.data.object.amount_paid : body.data.object.amount) }}",
  "currency": "{{ body.data.object.currency }}",
  "cancel_at_period_end": "{{ body.data.object.cancel_at_period_end }}",
  "metadata": "{{ body.data.object.metadata }}"
}`,
				OccurredAt:     `body.created`,
				IdempotencyKey: `"stripe:" + body.id`,
			},
		},
	}
}
