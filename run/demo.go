package main

import "context"

func demo(ctx context.Context, p program, args []string) error { return nil }
