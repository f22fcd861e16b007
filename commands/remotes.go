package commands

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/term"
)

// remoteFile is the file in home that holds the remotes. It has tokens in it,
// so only its owner may read it.
const remoteFile = "remotes.json"

// A remoteEntry is a daemon that has a name here.
type remoteEntry struct {
	URL   string `json:"url"`
	Token string `json:"token,omitempty"`
}

func remoteCommand() *cli.Command {
	return &cli.Command{
		Name:  "remote",
		Usage: "give names to daemons, and keep their tokens",
		Description: `Commands with --server ask a daemon elsewhere, by its URL or by the name that it
has here. Tokens are kept in a file that only you can read.

   popsicle remote add ci https://ci.example.com < token.txt
   popsicle logs 12 --server ci
   popsicle remote list`,
		Commands: []*cli.Command{
			{
				Name: "add", Usage: "name a daemon; its token comes from standard input", ArgsUsage: "NAME URL",
				Description: `Reads the token, one line, from standard input. An empty line keeps none.

   popsicle remote add ci https://ci.example.com < token.txt
   popsicle history --server ci`,
				OnUsageError: usageError, Action: remoteAdd,
			},
			{Name: "list", Usage: "list the remotes, without their tokens", Description: "Lists name and URL of each, and whether a token is kept for it.\n\n   popsicle remote list", OnUsageError: usageError, Action: remoteList},
			{Name: "rm", Usage: "forget a remote and its token", ArgsUsage: "NAME", Description: "The token stays good at the daemon: popsicle daemon token rm ends it there.\n\n   popsicle remote rm ci", OnUsageError: usageError, Action: remoteRemove},
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       helpOrUnknown,
	}
}

var remoteName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func remoteAdd(_ context.Context, c *cli.Command) error {
	name, address := c.Args().Get(0), c.Args().Get(1)
	if c.Args().Len() != 2 || !remoteName.MatchString(name) {
		return usage("remote add takes a name and a URL\n  popsicle remote add ci https://ci.example.com < token.txt")
	}
	if _, err := serverURL(address); err != nil {
		return err
	}
	if term.IsTerminal(os.Stdin) {
		fmt.Fprintln(os.Stderr, "Paste the token and press return:")
	}
	token, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("the token: %w", err)
	}
	e := remoteEntry{address, strings.TrimSpace(token)}
	if err := e.safe(); err != nil {
		return err
	}
	return changeRemotes(func(all map[string]remoteEntry) error {
		all[name] = e
		return nil
	})
}

func remoteList(_ context.Context, c *cli.Command) error {
	all, err := readRemotes()
	if err != nil {
		return err
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(c.Root().ErrWriter, "no daemon has a name here: popsicle remote add NAME URL")
		return err
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		token := "no token"
		if all[name].Token != "" {
			token = "token kept"
		}
		if _, err := fmt.Fprintf(stdout(c), "%s\t%s\t%s\n", name, all[name].URL, token); err != nil {
			return err
		}
	}
	return nil
}

func remoteRemove(_ context.Context, c *cli.Command) error {
	name := c.Args().First()
	return changeRemotes(func(all map[string]remoteEntry) error {
		if _, ok := all[name]; !ok {
			return usage("no remote is named %q: popsicle remote list", name)
		}
		delete(all, name)
		return nil
	})
}

func readRemotes() (map[string]remoteEntry, error) {
	dir, err := home()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, remoteFile)
	all := map[string]remoteEntry{}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w; popsicle remote add makes it anew once it is moved aside", file, err)
	}
	return all, nil
}

// changeRemotes writes the remotes anew, into a file that takes the place of
// the old one.
func changeRemotes(change func(map[string]remoteEntry) error) error {
	all, err := readRemotes()
	if err != nil {
		return err
	}
	if err := change(all); err != nil {
		return err
	}
	dir, err := home()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	fresh, err := os.CreateTemp(dir, remoteFile+".*") // 0600
	if err != nil {
		return err
	}
	_, err = fresh.Write(append(text, '\n'))
	if err = errors.Join(err, fresh.Close()); err == nil {
		err = os.Rename(fresh.Name(), filepath.Join(dir, remoteFile))
	}
	if err != nil {
		_ = os.Remove(fresh.Name()) // the error says enough
	}
	return err
}

// findRemote returns the remote that --server means: by name, or by URL with
// the token kept for it. POPSICLE_TOKEN is a token for any.
func findRemote(name string) (remoteEntry, error) {
	all, err := readRemotes()
	if err != nil {
		return remoteEntry{}, err
	}
	e, ok := all[name]
	if !ok {
		if !strings.Contains(name, "://") {
			return e, usage("no remote is named %q: popsicle remote add %s URL", name, name)
		}
		e.URL = name
		for _, kept := range all {
			if strings.TrimSuffix(kept.URL, "/") == strings.TrimSuffix(name, "/") {
				e = kept
			}
		}
	}
	if token := os.Getenv("POPSICLE_TOKEN"); token != "" {
		e.Token = token
	}
	return e, e.safe()
}

// safe refuses to send a token over a wire that others may read.
func (e remoteEntry) safe() error {
	u, err := serverURL(e.URL)
	if err != nil {
		return err
	}
	ip := net.ParseIP(u.Hostname())
	if e.Token == "" || u.Scheme == "https" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return usage("%s: a token goes over https only, or to this machine", u.Redacted())
}

func serverURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, usage("%q is not the address of a daemon: want https://HOST, or http://127.0.0.1:PORT", text)
	}
	return u, nil
}
