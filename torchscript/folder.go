package torchscript

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// notAFile is the error of a folder in place of a file of weights. It names the file to take in it, or the program that
// makes a file of it.
func notAFile(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	has := func(name string) bool { return slices.Contains(names, name) }
	like := func(pattern string) bool {
		return slices.ContainsFunc(names, func(n string) bool { ok, _ := filepath.Match(pattern, n); return ok })
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	switch {
	case has("zero_to_fp32.py"):
		return fmt.Errorf("a folder of DeepSpeed: make a state dict of it by python %s %s one, and give what it writes",
			at("zero_to_fp32.py"), dir)
	case has(".metadata") || like("*.distcp"):
		return fmt.Errorf("a distributed checkpoint of PyTorch: make one file of it by "+
			"python -m torch.distributed.checkpoint.format_utils dcp_to_torch %s one.pt, and give one.pt", dir)
	case has("model.safetensors"):
		return fmt.Errorf("a folder of Hugging Face: give %s", at("model.safetensors"))
	case has("pytorch_model.bin"):
		return fmt.Errorf("a folder of Hugging Face: give %s", at("pytorch_model.bin"))
	case has("model.safetensors.index.json"):
		return fmt.Errorf("a folder of Hugging Face with weights in several files: %s", joinShards(at("model-*.safetensors")))
	case has("saved_model.pb") || like("*.ckpt.index") || has("checkpoint") && like("*.index"):
		return errors.New("a folder of TensorFlow: want a file of PyTorch or safetensors")
	}
	return among(dir, names)
}

// among is the error of a folder with these files. It names those that may have weights.
func among(dir string, names []string) error {
	var weights []string
	for _, n := range names {
		ending := strings.ToLower(filepath.Ext(n))
		if slices.Contains([]string{".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".tar"}, ending) {
			weights = append(weights, filepath.Join(dir, n))
		}
	}
	const most = 3
	switch {
	case len(weights) == 0:
		return errors.New("a folder without a file of weights: want a file of PyTorch or safetensors")
	case len(weights) == 1:
		return fmt.Errorf("a folder: give %s", weights[0])
	case len(weights) > most:
		return fmt.Errorf("a folder: give one of its files, as %s", weights[0])
	}
	return fmt.Errorf("a folder: give one of %s", strings.Join(weights, ", "))
}
