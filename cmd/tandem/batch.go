package main

import "context"

func runParseCommand(_ context.Context, io stdio, args []string) error {
	return runParse(args, io.in, io.out)
}

func runPlanCommand(_ context.Context, io stdio, args []string) error {
	return runPlan(args, io.in, io.out)
}
