package torchscript

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// Weights is an open file of named tensors. Names, types and shapes are known; numbers are read on demand. No code of a
// file is run.
type Weights struct {
	Path     string
	Format   string            // "safetensors", "PyTorch", "PyTorch before 1.6" or "TorchScript"
	Keys     []string          // of the outermost dictionary of PyTorch's formats
	Groups   []Group           // the dictionaries that hold tensors, the outermost first
	Metadata map[string]string // of safetensors

	file *os.File
	size int64
}

// Group is a dictionary in a file that holds tensors.
type Group struct {
	Path    string // the keys that lead to it, joined by dots; "" for the outermost
	Tensors []Stored
	Foreign string // the first object in it that is not data, as "argparse.Namespace"; "" if there is none
}

// Stored is a tensor in a file. Err says why it cannot be read, which is an error for users of this tensor only.
type Stored struct {
	Name  string
	DType string // safetensors' name
	Shape []int64
	Err   error

	at      int64   // offset of its first number in the file
	strides []int64 // in numbers; nil: row-major
}

// The limits of what a file may say.
const (
	maxPickle   = 16 << 20 // bytes of the pickle that describes the tensors; as values it may take a hundred times as much
	smallTensor = 16 << 20 // bytes that a tensor may have in a file of any size
	maxTensorND = 64       // dimensions, as PyTorch's
)

// OpenWeights opens a file of tensors: safetensors, or a file of torch.save with state dicts, alone or in dictionaries,
// or whole modules. Close it.
func OpenWeights(path string) (*Weights, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	w := &Weights{Path: path, file: f}
	if err := w.open(); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return w, nil
}

func (w *Weights) open() error {
	info, err := w.file.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return notAFile(w.Path)
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	w.size = info.Size()
	head := make([]byte, 512)
	n, err := w.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch head = head[:n]; {
	case n == 0:
		return errors.New("the file is empty")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return w.openZip()
	case isLegacy(head):
		return w.openLegacy()
	case len(head) >= 9 && head[8] == '{':
		return w.openSafetensors()
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return errors.New("a tar file, as PyTorch wrote before 0.2; load and save it again with a newer PyTorch")
	case bytes.HasPrefix(head, []byte("\x89HDF")):
		return errors.New("an HDF5 file, as Keras writes; want a file of PyTorch or safetensors")
	case head[0] == 0x80:
		return errors.New("a pickle that torch.save did not write; " +
			"load it in Python and write it with torch.save or safetensors")
	}
	return notWeights(head)
}

func (w *Weights) openSafetensors() error {
	if _, err := w.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, head, err := readHeader(w.file)
	if err != nil {
		return err
	}
	w.Format, w.Metadata = "safetensors", head.metadata
	var g Group
	for _, e := range head.entries {
		t := Stored{Name: e.name, DType: e.dtype, Shape: e.shape, Err: unreadDType(e.dtype), at: head.end + e.from}
		g.Tensors = append(g.Tensors, t)
	}
	w.Groups = []Group{g}
	return nil
}

// Close closes the file.
func (w *Weights) Close() error { return w.file.Close() }

// Read reads a tensor of the file into row-major order.
func (w *Weights) Read(t Stored) (Tensor, error) {
	if t.Err != nil {
		return Tensor{}, fmt.Errorf("%s: %s: %w", w.Path, t.Name, t.Err)
	}
	data, err := w.gather(t)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the file ended while it was read: truncated")
	}
	if err != nil {
		return Tensor{}, fmt.Errorf("%s: %s at offset %d: %w", w.Path, t.Name, t.at, err)
	}
	return Tensor{t.Name, t.DType, t.Shape, data}, nil
}
