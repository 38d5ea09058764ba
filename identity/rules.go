package identity

import (
	_ "embed"
	"strings"

	"golang.org/x/net/publicsuffix"

	"signalbox"
)

//go:embed data/mailbox_providers.txt
var mailboxFile string

//go:embed data/shared_tenants.txt
var tenantFile string

// The shipped lists; never changed.
var (
	mailboxProviders = readList(mailboxFile)
	sharedTenants    = readList(tenantFile)
)

// readList reads a data file: a domain per line, comments after #.
func readList(file string) map[string]struct{} {
	list := map[string]struct{}{}
	for line := range strings.Lines(file) {
		name, _, _ := strings.Cut(line, "#")
		if name = strings.TrimSpace(name); name != "" {
			list[name] = struct{}{}
		}
	}
	return list
}

// MailboxProviders lists the shipped mailbox providers, in no order. The list is the caller's own.
func MailboxProviders() []string {
	all := make([]string, 0, len(mailboxProviders))
	for name := range mailboxProviders {
		all = append(all, name)
	}
	return all
}

// Rules are what a workspace says about domains. They are built once per version of its definitions and never change.
type Rules struct {
	aliases map[string]string
	added   map[string]struct{}
	removed map[string]struct{}
}

// NewRules builds the rules of a workspace. Its lists hold normalised domains.
func NewRules(ws signalbox.Workspace) *Rules {
	return &Rules{
		aliases: lastAliases(ws.Aliases),
		added:   setOf(ws.MailboxProviders.Added),
		removed: setOf(ws.MailboxProviders.Removed),
	}
}

func setOf(names []string) map[string]struct{} {
	set := make(map[string]struct{}, len(names))
	for _, name := range names {
		set[name] = struct{}{}
	}
	return set
}

// lastAliases follows each alias to the domain at the end of its chain. Domains that stand for each other in a circle stand for
// themselves.
func lastAliases(aliases map[string]string) map[string]string {
	last := make(map[string]string, len(aliases))
	for from := range aliases {
		to, more := from, true
		for range len(aliases) + 1 {
			next, found := aliases[to]
			if more = found && next != to; !more {
				break
			}
			to = next
		}
		if !more {
			last[from] = to
		}
	}
	return last
}

// Account returns the domain of the account that a normalised domain belongs to: itself, or what it is an alias of.
func (r *Rules) Account(domain string) string {
	if to, ok := r.aliases[domain]; ok {
		return to
	}
	return domain
}

// IsMailbox says whether a normalised domain or host is a mailbox provider's, or below one's: its e-mail addresses say nothing
// about a company. What the workspace added wins over what it removed.
func (r *Rules) IsMailbox(domain string) bool {
	for name := domain; strings.Contains(name, "."); {
		if _, ok := r.added[name]; ok {
			return true
		}
		if _, ok := mailboxProviders[name]; ok {
			if _, gone := r.removed[name]; !gone {
				return true
			}
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return false
}

// privateSuffix says whether a host is itself a suffix of the list's private section, such as github.io: its owner may have
// mailboxes there, but nobody's company is known by it.
func privateSuffix(host string) bool {
	suffix, icann := publicsuffix.PublicSuffix(host)
	return suffix == host && !icann && strings.Contains(suffix, ".")
}
