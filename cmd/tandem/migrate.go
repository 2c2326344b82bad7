package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"tandem/server/postgres"
)

// runMigrate brings the schema of the distributed mode up to date.
func runMigrate(ctx context.Context, std stdio, args []string) error {
	c, words, err := dataCommand(std, "migrate", args, nil)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(std, "migrate")
	}
	url := cmp.Or(c.MigrateURL, c.DatabaseURL)
	if url == "" {
		return errors.New("TANDEM_MIGRATE_URL is not set: it names the Postgres whose schema is brought up to date; `tandem up` needs none")
	}
	version, err := postgres.Migrate(ctx, url)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "The schema is version %d.\n", version)
	return nil
}
