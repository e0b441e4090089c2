package torchscript

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/icl-msr/icl-msr/internal/pickle"
)

// legacyMagic is the beginning of a file of torch.save before 1.6, as operations of the pickle: an integer of ten
// bytes.
const legacyMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

func isLegacy(head []byte) bool {
	return len(head) > 2 && head[0] == 0x80 && bytes.HasPrefix(head[2:], []byte(legacyMagic))
}

// openLegacy reads the format of PyTorch before 1.6: five pickles (a magic number, 1001, the machine, the object, the
// storages' keys), then each storage as a count and its numbers. They are little-endian on every machine.
func (w *Weights) openLegacy() error {
	w.Format = "PyTorch before 1.6"
	at := int64(0)
	var parts [5]any
	for i, name := range []string{"magic number", "protocol", "machine", "object", "list of storages"} {
		v, n, err := w.pickleAt(at)
		if err != nil {
			return fmt.Errorf("%s, from offset %d: %w", name, at, err)
		}
		parts[i], at = v, at+n
	}
	if parts[1] != int64(1001) {
		return fmt.Errorf("protocol %v of torch.save; want 1001", parts[1])
	}
	keys, ok := parts[4].(*pickle.List)
	if !ok {
		return fmt.Errorf("a list of storages of type %T", parts[4])
	}
	files, err := w.legacyStorages(at, keys.Items, sizesOf(parts[3]))
	if err != nil {
		return err
	}
	return w.find(parts[3], func(r reference) (place, error) {
		p, ok := files[r.key]
		if !ok {
			return p, fmt.Errorf("no storage %q in the file", r.key)
		}
		return p, nil
	})
}

// pickleAt reads the pickle at an offset, whose length is unknown.
func (w *Weights) pickleAt(at int64) (any, int64, error) {
	for size := int64(1 << 16); ; size *= 8 {
		size = min(size, w.size-at, maxPickle)
		data := make([]byte, size)
		if _, err := w.file.ReadAt(data, at); err != nil && !errors.Is(err, io.EOF) {
			return nil, 0, err
		}
		v, n, err := pickle.Read(data, harmless)
		if err == nil || !errors.Is(err, pickle.ErrTruncated) || size == w.size-at {
			return v, int64(n), err
		}
		if size == maxPickle {
			return nil, 0, fmt.Errorf("a pickle of more than %d bytes", maxPickle)
		}
	}
}

// legacyStorages finds the places of the storages, which are in the order of their keys.
func (w *Weights) legacyStorages(at int64, keys []any, each map[string]int64) (map[string]place, error) {
	out := make(map[string]place, len(keys))
	for _, k := range keys {
		key, ok := k.(string)
		if b, isBytes := k.(pickle.Bytes); isBytes { // Python 2
			key, ok = string(b), true
		}
		if !ok {
			return nil, fmt.Errorf("a storage's key of type %T", k)
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("storage %q comes twice", key)
		}
		var count [8]byte
		if _, err := w.file.ReadAt(count[:], at); err != nil {
			return nil, fmt.Errorf("storage %q at offset %d: truncated", key, at)
		}
		n := binary.LittleEndian.Uint64(count[:])
		at += 8
		size, known := each[key]
		if !known {
			return nil, fmt.Errorf("storage %q at offset %d belongs to no tensor", key, at)
		}
		if n > uint64(w.size-at)/uint64(size) {
			return nil, fmt.Errorf("storage %q has %d numbers of %d bytes at offset %d, the file ends at %d: truncated",
				key, n, size, at, w.size)
		}
		out[key] = place{at, int64(n) * size}
		at += int64(n) * size
	}
	return out, nil
}

// sizesOf finds the bytes of a number of each storage. Only references to the storage, anywhere in a pickled value, say
// it.
func sizesOf(root any) map[string]int64 {
	out := map[string]int64{}
	seen := map[any]bool{}
	todo := []any{root}
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		switch v := v.(type) {
		case *pickle.List:
			if !seen[v] {
				seen[v] = true
				todo = append(todo, v.Items...)
			}
		case *pickle.Dict:
			if !seen[v] {
				seen[v] = true
				todo = append(append(todo, v.Keys...), v.Values...)
			}
		case *pickle.Object:
			if !seen[v] {
				seen[v] = true
				todo = append(append(append(todo, v.Args, v.State), v.Items...), v.Entries.Values...)
				if v.Named != nil {
					todo = append(todo, v.Named)
				}
			}
		case pickle.Tuple:
			if len(v) > 0 && !seen[&v[0]] {
				seen[&v[0]] = true
				todo = append(todo, v...)
			}
		case pickle.Persistent:
			if key, size := sizeOf(v); size > 0 {
				out[key] = size
			}
		}
	}
	return out
}

// sizeOf reads the storage's key and the bytes of a number from a reference. It also knows classes whose tensors cannot
// be read here.
func sizeOf(p pickle.Persistent) (key string, size int64) {
	id, ok := p.ID.(pickle.Tuple)
	if !ok || len(id) < 5 || textOf(id[0]) != "storage" {
		return "", 0
	}
	class, _ := id[1].(pickle.Global)
	if dtype, ok := storageTypes()[class.Name]; ok {
		return textOf(id[2]), reference{dtype: dtype}.each()
	}
	sizes := map[string]int64{
		"ComplexFloatStorage":  8,
		"ComplexDoubleStorage": 16,
		"QInt8Storage":         1,
		"QUInt8Storage":        1,
		"QInt32Storage":        4,
	}
	return textOf(id[2]), sizes[class.Name]
}
