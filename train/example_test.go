package train_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/icl-msr/icl-msr/train"
)

// Train a small run, and score its checkpoint.
func Example() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	c, err := train.StartFrom("simclr", "cpu")
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Data.Count, c.BatchSize, c.Schedule.Epochs, c.Width, c.Size = 32, 16, 1, 0.0625, 16
	out := filepath.Join(dir, "mine")
	last, err := train.Pretrain(context.Background(), io.Discard, c, out, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	k, err := train.Newest(io.Discard, out)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(last.Epoch, k.Position.Epoch, k.Config.Method)
	// Output: 0 1 simclr
}
