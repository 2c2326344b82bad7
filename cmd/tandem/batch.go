package main

import "context"

func runParseCommand(_ context.Context, std stdio, args []string) error {
	return runParse(args, std.in, std.out)
}

func runPlanCommand(_ context.Context, std stdio, args []string) error {
	return runPlan(args, std.in, std.out)
}
