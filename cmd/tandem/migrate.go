package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"

	"tandem/server/postgres"
)

// runMigrate brings the schema of the distributed mode up to date.
func runMigrate(ctx context.Context, std stdio, args []string) error {
	restored := false
	c, words, err := dataCommand(std, "migrate", args, func(fs *flag.FlagSet) {
		fs.BoolVar(&restored, "restored", false, "the database was put back from a copy: every device loads it anew (before the first `tandem serve`)")
	})
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(std, "migrate [--restored]")
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
	if !restored {
		return nil
	}
	if err := postgres.RenewEpoch(ctx, url); err != nil {
		return err
	}
	fmt.Fprintln(std.out, "Devices will load everything anew.")
	return nil
}
