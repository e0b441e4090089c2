package dist

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"

	"github.com/icl-msr/icl-msr/torch"
)

// build identifies this program: the start of its SHA-256, and its version of LibTorch.
func build() ([]Setting, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return []Setting{
		{Name: "the program's build", Value: hex.EncodeToString(h.Sum(nil)[:8])},
		{Name: "LibTorch", Value: torch.Version()},
	}, nil
}
