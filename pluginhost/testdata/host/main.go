// Program host opens the plugin, trains some steps on drawn pictures, embeds
// two pictures, and prints what it sees. Of this module it uses pluginhost alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/icl-msr/icl-msr/pluginhost"
)

const settings = `
preset: cpu
method: byol
msr: true
count: 64
batch-size: 16
epochs: 1
width: 0.0625
hidden: 16
dim: 8
size: 16
threads: 1
`

func run(so, out string, pictures []string) error {
	p, err := pluginhost.Open(so)
	if err != nil {
		return err
	}
	version, err1 := pluginhost.Lookup[func() string](p, "Version")
	methods, err2 := pluginhost.Lookup[func() []string](p, "Methods")
	train, err3 := pluginhost.Lookup[func(context.Context, string, string, io.Writer) error](p, "Train")
	embed, err4 := pluginhost.Lookup[func(context.Context, string, []string) ([][]float32, error)](p, "Embed")
	load, err5 := pluginhost.Lookup[func(string) (func(context.Context, []string) ([][]float32, error), func(),
		error)](p, "Load")
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return err
	}
	fmt.Println(version())
	fmt.Println(len(methods()), "methods")
	ctx := context.Background()
	if err := train(ctx, settings, out, os.Stderr); err != nil {
		return err
	}
	checkpoint := filepath.Join(out, "checkpoints", "last.safetensors")
	rows, err := embed(ctx, checkpoint, pictures)
	if err != nil {
		return err
	}
	again, done, err := load(checkpoint)
	if err != nil {
		return err
	}
	defer done()
	for i, name := range pictures {
		row, err := again(ctx, []string{name})
		if err != nil {
			return err
		}
		d := row[0][0] - rows[i][0]
		fmt.Printf("%s: %d features, the first the same when loaded: %t\n", filepath.Base(name), len(rows[i]),
			d < 1e-5 && d > -1e-5)
	}
	err = train(ctx, "method: simcrl", out+"2", nil)
	fmt.Println("an error is a value:", err)
	return nil
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: host PLUGIN OUT PICTURE ...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "host:", err)
		os.Exit(1)
	}
}
