// Command tandem is the whole product: the server in its modes, and the tools around it. See `tandem help`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // an empty root holds no time zones

	_ "golang.org/x/crypto/x509roots/fallback" // nor certificates

	"tandem"
)

// stdio is what a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// command is one subcommand. run gets its own arguments.
type command struct {
	name, args, help string
	run              func(ctx context.Context, std stdio, args []string) error
}

// errUsage ends a command whose words were wrong; the explanation has been printed.
var errUsage = errors.New("usage")

func commands() []command {
	return []command{
		{"up", "", "start everything in one process and print a sign-in link", runUp},
		{"serve", "", "distributed mode: API, socket, agent and MCP", runServe},
		{"worker", "NAME", "distributed mode: relay, recurrence, reminders, notifications, audit or all", runWorker},
		{"web", "", "distributed mode: the browser client and the way to the API", runWeb},
		{"migrate", "[--restored]", "distributed mode: bring the database up to date", runMigrate},
		{"link", "[--qr]", "print a new one-time sign-in link", runLink},
		{"chat", "[TEXT]", "talk to the assistant in the terminal, beside the live list", runChat},
		{"token", "--user ID", "print a token (--ttl 15m), or make (--personal NAME), list and revoke personal ones", runToken},
		{"mcp", "[--user ID] [--scope LIST]", "serve the five tools over standard input and output", runMCP},
		{"parse", "--jsonl", "read phrases, write what was understood", runParseCommand},
		{"plan", "--jsonl", "read sentences, write what the planner would do", runPlanCommand},
		{"export", "[--user ID]", "write a user's whole history as JSON Lines", runExport},
		{"import", "[--user ID] [FILE]", "read it back, or a file of Todoist, Vikunja, CSV or iCalendar", runImport},
		{"backup", "FILE", "copy the database while it runs", runBackup},
		{"restore", "FILE", "put a copy in place of the database", runRestore},
		{"user", "list|export|delete|revoke", "manage users", runUser},
		{"replay", "[--dead] [--dry-run]", "publish events again: of the audit trail, or those that were set aside", runReplay},
		{"load", "", "drive a server with many devices and print one JSON line", runLoad},
		{"smoke", "[URL]", "prove on a running deployment that chat, socket, recurrence and reminders work", runSmoke},
		{"doctor", "", "check settings, database, clock and disk", runDoctor},
		{"version", "", "print the version", runVersion},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, stdio{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	switch {
	case err == nil:
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "tandem: "+sentence(err))
		os.Exit(1)
	}
}

// sentence gives what a person may read of an error.
func sentence(err error) string {
	if e, ok := errors.AsType[*tandem.Error](err); ok && e.Code != tandem.CodeInternal {
		return e.Message
	}
	return err.Error()
}

func run(ctx context.Context, std stdio, args []string) error {
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "--help"}, args[0]) {
		printHelp(std.out)
		return nil
	}
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		fmt.Fprintf(std.err, "tandem: there is no command %q; `tandem help` lists them\n", args[0])
		return errUsage
	}
	err := all[i].run(ctx, std, args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, "Tandem: the todo list that you, your devices and your AI agents edit together, live.\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-32s %s\n", strings.TrimSpace(c.name+" "+c.args), c.help)
	}
	fmt.Fprint(w, "\n`tandem COMMAND -h` lists the flags. Every setting is also an environment variable.\n")
}

// flags makes the flag set of a command; its errors and its help go to standard error.
func flags(std stdio, name string) *flag.FlagSet {
	fs := flag.NewFlagSet("tandem "+name, flag.ContinueOnError)
	fs.SetOutput(std.err)
	return fs
}

// parse reads flags wherever they stand among the other words, and gives those.
func parse(fs *flag.FlagSet, args []string) (words []string, err error) {
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage
		}
		args = fs.Args()
		if len(args) > 0 {
			words, args = append(words, args[0]), args[1:]
		}
	}
	return words, nil
}
