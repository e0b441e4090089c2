package embedding

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/train"
)

// about describes what rows were computed from. It lies in a file beside them, since npy has no place for it:
// OUT.about.json beside a complete file, OUT.partial.json beside one that grows.
type about struct {
	From     string            `json:"from"` // the network's file: for people, not compared
	Format   string            `json:"format"`
	What     string            `json:"what"`
	Dim      int64             `json:"dim"`
	Network  string            `json:"network"`  // digest of its tensors, and of a TorchScript module's file
	Pictures string            `json:"pictures"` // digest of their names, classes and contents, in their order
	Count    int               `json:"count"`    // number of pictures
	Settings map[string]string `json:"settings"`
	Rows     int64             `json:"rows,omitempty"` // of a complete file; less than Count if pictures could not be read
	Bytes    int64             `json:"bytes,omitempty"`
}

// aboutOf describes the rows that the network will give for these pictures.
func aboutOf(k train.Checkpoint, o Options, ds datasets.Dataset, net network) (about, error) {
	a := about{From: k.Path, Format: o.Format, What: o.What, Dim: net.dim, Pictures: digestOfPictures(ds), Count: ds.Len()}
	aug, err := k.Config.Augmentation()
	if err != nil {
		return a, err
	}
	plain, arch := aug.Plain, k.Config.Arch
	file, scripted := strings.CutPrefix(arch, train.ScriptedArch)
	if scripted {
		arch = "torchscript"
	}
	a.Settings = map[string]string{
		"method": k.Config.Method, "arch": arch, "width": fmt.Sprint(k.Config.Width), "stem": k.Config.Stem,
		"precision": k.Config.Precision, "size": fmt.Sprint(plain.Size), "resize": fmt.Sprint(plain.Resize),
		"mean": fmt.Sprint(plain.Norm.Mean), "std": fmt.Sprint(plain.Norm.Std), "lab": fmt.Sprint(plain.Norm.Lab),
		"depth16": string(k.Config.Data.Depth16),
	}
	a.Network, err = digestOfNetwork(net.tensors, file, scripted)
	return a, err
}

// digestOfNetwork is the digest of the tensors. For a TorchScript module it includes the file, which holds the code.
func digestOfNetwork(tensors []nets.NamedTensor, file string, scripted bool) (string, error) {
	h := sha256.New()
	for _, t := range tensors {
		err := torch.With(func(s *torch.Scope) error {
			d, name, err := train.DescribeTensor(t.Tensor)
			if err != nil {
				return err
			}
			fmt.Fprintf(h, "%s\x00%s\x00%v\x00", t.Name, name, d.Shape)
			h.Write(s.Bytes(t.Tensor))
			return s.Err()
		})
		if err != nil {
			return "", err
		}
	}
	if scripted {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		if _, err := io.Copy(h, f); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// digestOfPictures is the digest of all names and classes, and of the contents that datasets.Digests covers.
func digestOfPictures(ds datasets.Dataset) string {
	h := sha256.New()
	for i := range ds.Len() {
		fmt.Fprintf(h, "%s\x00%s\x00", datasets.PictureName(ds, i), className(ds, i))
	}
	for _, d := range datasets.Digests(ds) {
		fmt.Fprintf(h, "%d %d\n", d.Bytes, d.Sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// difference describes the first difference between a and b; "" if there is none.
func (a about) difference(b about) string {
	switch {
	case a.Format != b.Format:
		return fmt.Sprintf("is %s, not %s", a.Format, b.Format)
	case a.What != b.What:
		return fmt.Sprintf("has the %s, not the %s", a.What, b.What)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Settings)) {
		if a.Settings[name] != b.Settings[name] {
			return fmt.Sprintf("was made with %s %s, not %s", name, a.Settings[name], b.Settings[name])
		}
	}
	switch {
	case a.Network != b.Network || a.Dim != b.Dim:
		return fmt.Sprintf("is of another network (then of %s, digest %.12s; now of %s, digest %.12s)",
			a.From, a.Network, b.From, b.Network)
	case a.Count != b.Count:
		return fmt.Sprintf("is of other pictures (%d, not %d)", a.Count, b.Count)
	case a.Pictures != b.Pictures:
		return fmt.Sprintf("is of other pictures (%d, with other names, classes or contents, or in another order)", a.Count)
	}
	return ""
}

// startOver is the advice for an output that cannot be resumed.
const startOver = "start anew with {embedding.Force} instead of {embedding.Resume}"

// readAbout reads the description of rows. It refuses descriptions of older versions, which had no digests.
func readAbout(path, rows string) (a about, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, field.Errorf("%s has no %s beside it, which would tell of which network and pictures it is "+
			"(older versions wrote none); "+startOver+", or choose another {embedding.Out}", rows, path)
	}
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, field.Errorf("%s: %w; "+startOver, path, err)
	}
	if a.Network == "" || a.Pictures == "" {
		return a, field.Errorf("%s is of an older version, which did not tell one network of a name from another (%s); "+
			startOver+", or choose another {embedding.Out}", rows, path)
	}
	return a, nil
}

func (a about) write(path string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(a)
	})
}
