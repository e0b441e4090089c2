// Command embed_folder computes the features of a folder of pictures by the backbone of a checkpoint. It writes them as
// NumPy's .npy: a row for each picture, in the order of paths.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/train"
)

func run(ctx context.Context, checkpoint, folder, out string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	k, err := train.Load(checkpoint)
	if err != nil {
		return err
	}
	k.Config.Device, k.Config.BadPictures = "cpu", "stop" // a row for each picture
	pictures, err := datasets.Open(datasets.Options{Name: "unlabelled", Dir: folder, Train: true})
	if err != nil {
		return err
	}
	defer datasets.Close(pictures)
	return torch.With(func(s *torch.Scope) error {
		st, err := k.Config.State(s, 0)
		if err != nil {
			return err
		}
		if err := k.FillEncoder(os.Stderr, st); err != nil {
			return err
		}
		features, _, err := k.Config.Features(ctx, s, st, pictures, train.DefaultEval())
		if err != nil {
			return err
		}
		shape, data := s.Shape(features.X), s.Bytes(features.X)
		if err := s.Err(); err != nil {
			return err
		}
		f, err := os.Create(out)
		if err != nil {
			return err
		}
		fmt.Printf("%d pictures, %d features each: %s\n", shape[0], shape[1], out)
		return errors.Join(torchscript.WriteNPY(f, "<f4", shape, data), f.Close())
	})
}

func main() {
	checkpoint := flag.String("checkpoint", "", "checkpoint of run pretrain")
	folder := flag.String("pictures", ".", "folder with pictures at any depth")
	out := flag.String("out", "features.npy", "file to write")
	flag.Parse()
	if err := run(context.Background(), *checkpoint, *folder, *out); err != nil {
		fmt.Fprintln(os.Stderr, "embed_folder:", err)
		os.Exit(1)
	}
}
