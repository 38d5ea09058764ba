package egress_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// waysOut are, by import path, the names with which a program opens a
// connection, asks for a name or a datagram's way, or builds what does. "T{}" is
// a type of which no value may be made: being handed a *http.Client is fine,
// making one, or having one in a struct, whose zero value works, is not.
var waysOut = map[string][]string{
	"net": {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "DialUnix", "Dialer{}", "ListenPacket", "ListenUDP", "ListenIP",
		"ListenMulticastUDP", "Resolver{}", "DefaultResolver", "LookupHost", "LookupIP", "LookupAddr", "LookupCNAME", "LookupMX",
		"LookupNS", "LookupSRV", "LookupTXT", "ResolveTCPAddr", "ResolveUDPAddr", "ResolveIPAddr", "FileConn", "FilePacketConn"},
	"net/http":          {"Get", "Head", "Post", "PostForm", "DefaultClient", "DefaultTransport", "Client{}", "Transport{}", "NewFileTransport"},
	"net/http/httputil": {"NewSingleHostReverseProxy", "ReverseProxy{}", "NewClientConn", "NewProxyClientConn"},
	"net/smtp":          {"Dial", "SendMail", "NewClient"},
	"net/rpc":           {"Dial", "DialHTTP", "DialHTTPPath", "NewClient", "NewClientWithCodec"},
	"net/rpc/jsonrpc":   {"Dial", "NewClient"},
	"log/syslog":        {"Dial", "New", "NewLogger"},
	"crypto/tls":        {"Dial", "DialWithDialer", "Dialer{}", "Client"},
	"syscall":           {"Socket", "Socketpair", "Connect", "Sendto", "SendtoN", "Sendmsg", "SendmsgN", "Syscall", "Syscall6", "RawSyscall", "RawSyscall6", "ForkExec", "StartProcess", "Exec"},
	"os":                {"StartProcess"},
	"os/exec":           {"Command", "CommandContext", "Cmd{}"},
	"plugin":            {"Open"},

	// The libraries of ours that dial when asked to.
	"github.com/jackc/pgx/v5":               {"Connect", "ConnectConfig", "ConnectWithOptions"},
	"github.com/jackc/pgx/v5/pgconn":        {"Connect", "ConnectConfig", "ConnectWithOptions"},
	"golang.org/x/oauth2":                   {"NoContext"},
	"golang.org/x/oauth2/clientcredentials": {"Config{}"},
	"golang.org/x/net/http2":                {"Transport{}"},
	"golang.org/x/net/proxy":                {"Dial", "SOCKS5", "FromEnvironment", "FromURL", "Direct"},
	"golang.org/x/net/websocket":            {"Dial", "DialConfig", "NewClient"},
	"golang.org/x/sys/unix":                 {"Socket", "Connect", "Sendto", "Sendmsg", "SendmsgN", "Syscall", "Syscall6", "RawSyscall", "RawSyscall6", "Exec"},
}

// apart are the rooms that may go out by themselves (design.md, the floor plan):
// they talk to our own server (admin by its socket), or are the way out. The store reaches the
// database that whoever runs the program has named, and nothing else.
var apart = []string{"admin", "client", "cmd", "internal", "egress", "store"}

// majorVersion ends an import path without being the package's name.
var majorVersion = regexp.MustCompile(`/v[0-9]+$`)

// findWaysOut lists what in a file goes around the guard, as "line: name".
func findWaysOut(fset *token.FileSet, file *ast.File) []string {
	var found []string
	report := func(at token.Pos, what string) { found = append(found, fset.Position(at).String()+": "+what) }
	imported := map[string]string{} // name in the file: import path
	for _, spec := range file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		name := majorVersion.ReplaceAllString(path, "")
		name = name[strings.LastIndexByte(name, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." && waysOut[path] != nil {
			report(spec.Pos(), "a dot import of "+path+", in which nothing can be found")
		}
		imported[name] = path
	}
	pointedAt := map[ast.Expr]bool{} // of types: a pointer to one is not one
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StarExpr:
			pointedAt[n.X] = true
		case *ast.SelectorExpr:
			pkg, isName := n.X.(*ast.Ident)
			if !isName {
				return true
			}
			ways := waysOut[imported[pkg.Name]]
			if slices.Contains(ways, n.Sel.Name) || slices.Contains(ways, n.Sel.Name+"{}") && !pointedAt[n] {
				report(n.Pos(), pkg.Name+"."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}

// moduleRoot is the nearest directory upwards with a go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the package")
		}
		dir = parent
	}
}

// proves reliability S1: one egress package
func TestOnlyWayOut(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed while we walk
		}
		if err != nil {
			return err
		}
		if entry.IsDir() {
			hidden := path != root && strings.HasPrefix(entry.Name(), ".")
			other := filepath.Dir(path) == root && slices.Contains(apart, entry.Name())
			if hidden || other || slices.Contains([]string{"testdata", "vendor", "node_modules"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, way := range findWaysOut(fset, file) {
			t.Errorf("%s: goes around package egress", way)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestOnlyWayOut_TheScanFindsEachWay(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		`var _ = h.DefaultClient`:                               1,
		`func f() { h.Get("http://x") }`:                        1,
		`var c = &h.Client{}`:                                   1,
		`var c h.Client`:                                        1,
		`var c = new(h.Transport)`:                              1,
		`func f() { net.Dial("tcp", "x"); net.Listen("", "") }`: 1,
		`var d = net.Dialer{}`:                                  1,
		`func f(c *h.Client, d *net.Dialer) {}`:                 0,
		`func f(r *h.Request) { r.Header.Get("x") }`:            0,
		`var s = h.Server{}`:                                    0,
		`type t struct { h.Client }`:                            1,
		`type t struct { c h.Client }`:                          1,
		`type t struct { c *h.Client }`:                         0,
		`type mine h.Client`:                                    1,
		`type mine = h.Client`:                                  1,
		`var c [2]h.Client`:                                     1,
		`var c = make(map[int]h.Transport)`:                     1,
		`var get = h.Get`:                                       1,
		`var _, _ = net.LookupTXT("x")`:                         1,
		`var _, _ = net.ResolveTCPAddr("tcp", "x:1")`:           1,
		`var _, _ = net.ListenPacket("udp", "")`:                1,
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "x.go", "package x\nimport (\"net\"; h \"net/http\")\n"+body, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := findWaysOut(fset, file); len(got) != want {
			t.Errorf("%s: found %v, want %d", body, got, want)
		}
	}
}

// speakers are the libraries in the program that import what can dial, and what
// keeps each from dialling by itself. Another one must be looked at first.
var speakers = map[string]string{
	"code.dny.dev/ssrf":                                                            "judges addresses in a dialer's control hook",
	"github.com/antlr4-go/antlr/v4":                                                "the parser of expressions: tells a missing file from other errors",
	"github.com/coreos/go-oidc/v3/oidc":                                            "auth/oidc gives it egress's client with every call",
	"golang.org/x/oauth2":                                                          "as above",
	"golang.org/x/oauth2/internal":                                                 "as above",
	"github.com/wneessen/go-mail":                                                  "mail gives it the server that whoever runs the program names; sendmail, which it could run, is not asked for",
	"github.com/wneessen/go-mail/smtp":                                             "as above",
	"github.com/google/uuid":                                                       "reads interface addresses for versions that we do not make",
	"github.com/jackc/pgx/v5/pgconn":                                               "the store's way to its database, with the store's dialer",
	"github.com/jackc/pgx/v5/pgconn/internal/bgreader":                             "as above",
	"github.com/jackc/pgx/v5/pgtype":                                               "writes addresses as SQL values",
	"github.com/ncruces/go-sqlite3/internal/sqlite3_wrap":                          "memory of the embedded database",
	"github.com/ncruces/go-sqlite3/vfs":                                            "files of the embedded database",
	"github.com/prometheus/client_golang/internal/github.com/golang/gddo/httputil": "reads request headers",
	"github.com/prometheus/client_golang/internal/github.com/golang/gddo/httputil/header": "as above",
	"github.com/prometheus/client_golang/prometheus/promhttp":                             "the handler of /metrics",
	"github.com/prometheus/common/expfmt":                                                 "reads request headers",
	"github.com/prometheus/procfs":                                                        "reads /proc",
	"github.com/prometheus/procfs/internal/parsers":                                       "reads /proc",
	"github.com/spf13/pflag":                                                              "parses addresses",
	"github.com/vbauerster/mpb/v8/cwriter":                                                "asks the terminal for its width",
	"golang.org/x/sys/unix":                                                               "system calls for those above",
}

// A library can dial without our saying so. Those that import what it takes are listed with what they do.
func TestOnlyWayOut_TheLibrariesThatCouldDialAreKnown(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", `{{if not .Standard}}{{.ImportPath}} {{join .Imports " "}}{{end}}`, "signalbox/cmd/signalbox")
	list.Dir = moduleRoot(t)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	met := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "signalbox") || words[0] == "signalbox" {
			continue
		}
		for _, imported := range words[1:] {
			if waysOut[imported] == nil || imported == "os" || strings.HasPrefix(imported, "github.com/jackc/pgx/") {
				continue
			}
			if met[words[0]] = true; speakers[words[0]] == "" {
				t.Errorf("%s imports %s: look how it dials, and list it", words[0], imported)
			}
		}
	}
	if len(met) < 5 {
		t.Errorf("only %d libraries can dial: the test does not see them", len(met))
	}
}
