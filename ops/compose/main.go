// Command compose is what docker-compose.yml needs beside the product: it makes secrets, roles and topics, and holds the pods.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const usage = `compose secrets              make the secrets that are missing, and hand them out
compose secrets set NAME     take a secret from standard input
compose roles                make the roles of the database, with their passwords
compose topics               make the topics
compose hold                 keep the network of a pod
compose probe URL…           tell whether all of them answer`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // the signals end with the process
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	signIn, _ := os.LookupEnv("SIGN_IN_URL")
	switch words := args[1:]; {
	case args[0] == "secrets" && len(words) == 0:
		return handOut(secretsFolder, signIn, out)
	case args[0] == "secrets" && len(words) == 2 && words[0] == "set":
		return take(secretsFolder, signIn, words[1], in, out)
	case args[0] == "roles" && len(words) == 0:
		return makeRoles(ctx, secretsFolder, out)
	case args[0] == "topics" && len(words) == 0:
		return makeTopics(ctx, out)
	case args[0] == "hold" && len(words) == 0:
		<-ctx.Done()
		return nil
	case args[0] == "probe" && len(words) > 0:
		return probe(ctx, words)
	}
	return errors.New(usage)
}

// probe asks each address whether its server is ready.
func probe(ctx context.Context, urls []string) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	for _, url := range urls {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if err := res.Body.Close(); err != nil {
			return err
		}
		if res.StatusCode >= http.StatusBadRequest {
			return fmt.Errorf("%s answers %s", url, res.Status)
		}
	}
	return nil
}
