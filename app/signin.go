package app

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"signalbox"
	"signalbox/api"
	"signalbox/auth"
	"signalbox/auth/oidc"
	"signalbox/egress"
)

// OIDC is the identity provider that members sign in with.
type OIDC struct {
	Issuer           string // its URL; "": there is none
	ClientID         string
	ClientSecret     string
	ClientSecretFile string
	Label            string   // what the button says; default the issuer's host
	DefaultRole      string   // of whoever signs in from Domains and is no member yet; "": nobody becomes a member so
	Domains          []string // of e-mails
}

// checkSignIn says what is wrong with how members sign in.
func (c *Config) checkSignIn(bad func(flag, format string, args ...any)) {
	if c.AdminEmail != "" {
		if _, err := signalbox.NormalizeMemberEmail(c.AdminEmail); err != nil {
			bad("admin-email (SIGNALBOX_ADMIN_EMAIL)", "%v", err)
		}
	}
	if c.AdminPassword != "" {
		if err := auth.CheckPassword(c.AdminPassword, strings.ToLower(c.AdminEmail)); err != nil {
			bad("admin-password (SIGNALBOX_ADMIN_PASSWORD)", "%v", err)
		}
	}
	for _, text := range c.TrustedProxies {
		if _, err := parsePrefix(text); err != nil {
			bad("trusted-proxies", "%q is neither an address nor a CIDR such as 10.0.0.0/8", text)
		}
	}
	o := &c.OIDC
	if o.Issuer == "" {
		if c.NoPasswords {
			bad("password-login", "without it members need an identity provider: give --oidc-issuer too")
		}
		for flag, given := range map[string]bool{"oidc-client-id": o.ClientID != "", "oidc-default-role": o.DefaultRole != "", "oidc-domains": len(o.Domains) > 0} {
			if given {
				bad(flag, "it goes with --oidc-issuer, which is not given")
			}
		}
		return
	}
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		bad("oidc-issuer", "%q is not a URL such as https://login.example.com", o.Issuer)
	} else if host := u.Hostname(); u.Scheme == "http" && !c.Dev && !isLoopback(host) {
		bad("oidc-issuer", "%q must begin with https://: what goes to the provider lets people in", o.Issuer)
	}
	if o.ClientID == "" {
		bad("oidc-client-id", "the provider at --oidc-issuer knows this server by one: give it too")
	}
	if o.ClientSecret != "" && o.ClientSecretFile != "" {
		bad("oidc-client-secret-file", "give it or SIGNALBOX_OIDC_CLIENT_SECRET, not both")
	}
	if o.DefaultRole != "" {
		if _, err := signalbox.ParseRole(o.DefaultRole); err != nil {
			bad("oidc-default-role", "%q is none of admin, analyst, viewer", o.DefaultRole)
		}
	}
	if (o.DefaultRole == "") != (len(o.Domains) == 0) {
		bad("oidc-default-role", "give both --oidc-default-role and --oidc-domains, or neither")
	}
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// parsePrefix reads a CIDR, or an address as one that holds it alone.
func parsePrefix(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()), nil
}

// proxies are those whose word is taken; they were checked.
func (c *Config) proxies() (list []netip.Prefix) {
	for _, text := range c.TrustedProxies {
		if p, err := parsePrefix(text); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// identityProvider makes the configured provider. It is reached under the guard of webhooks, with the issuer itself allowed: who runs the server has named it.
func (a *App) identityProvider(ctx context.Context) (api.OIDC, error) {
	o := a.cfg.OIDC
	if o.Issuer == "" {
		return api.OIDC{}, nil
	}
	if o.ClientSecretFile != "" {
		text, err := os.ReadFile(o.ClientSecretFile)
		if err != nil {
			return api.OIDC{}, fmt.Errorf("--oidc-client-secret-file: %w", err)
		}
		o.ClientSecret = strings.TrimSpace(string(text))
	}
	issuer, err := url.Parse(o.Issuer)
	if err != nil {
		return api.OIDC{}, fmt.Errorf("--oidc-issuer: %w", err)
	}
	port := issuer.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[issuer.Scheme]
	}
	guarded := a.cfg
	guarded.AllowTargets = append(guarded.AllowTargets[:len(guarded.AllowTargets):len(guarded.AllowTargets)], hostPort(issuer.Hostname(), port))
	policy, err := newPolicy(guarded)
	if err != nil {
		return api.OIDC{}, fmt.Errorf("--oidc-issuer: %w", err)
	}
	workspaces, err := a.db.Workspaces(ctx)
	if err != nil {
		return api.OIDC{}, err
	}
	out := api.OIDC{
		Provider: oidc.New(oidc.Config{Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret, HTTP: egress.NewHTTPClient(policy)}),
		Label:    o.Label, Role: signalbox.Role(o.DefaultRole), Workspace: workspaces[0].ID,
	}
	if out.Label == "" {
		out.Label = issuer.Hostname()
	}
	for _, domain := range o.Domains {
		out.Domains = append(out.Domains, strings.ToLower(strings.TrimSpace(domain)))
	}
	return out, nil
}

// hostPort is a target of the guard's exceptions.
func hostPort(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}
