package train

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/usage"
)

// LabelShare is a share of the labels and the epochs of fine-tuning with it; 0:
// those of --epochs, else SimCLR's for such a share.
type LabelShare struct {
	Share  float64
	Epochs int
}

// labelList is a file that names labelled pictures, with the epochs as above.
type labelList struct {
	path   string
	epochs int
}

// parseLabelList takes FILE or FILE:EPOCHS; a file that is there is not taken apart.
func parseLabelList(text string) labelList {
	i := strings.LastIndexByte(text, ':')
	if i < 1 || outfile.Exists(text) {
		return labelList{path: text}
	}
	if n, err := strconv.Atoi(text[i+1:]); err == nil && n > 0 {
		return labelList{text[:i], n}
	}
	return labelList{path: text}
}

func (l labelList) name() string { return filepath.Base(l.path) }

// usualEpochs are SimCLR's: 60 with 1 % of the pictures, 30 with 10 %; between
// them, and beyond, those of the nearer one.
func usualEpochs(share float64) int {
	if share < 0.05 {
		return 60
	}
	return 30
}

// labelledPart is the pictures whose labels fine-tuning may use.
type labelledPart struct {
	name, split string
	epochs      int
	ds          datasets.Dataset
}

// parts are the shares, or the lists, of the training pictures.
func (o *FineTuneOptions) parts(train datasets.Dataset) (out []labelledPart, err error) {
	add := func(name, split string, epochs int, ds datasets.Dataset) {
		if epochs == 0 {
			epochs = o.Passes
		}
		if epochs == 0 {
			epochs = usualEpochs(float64(ds.Len()) / float64(train.Len()))
		}
		out = append(out, labelledPart{name, split, epochs, ds})
	}
	for _, text := range o.Lists {
		list := parseLabelList(text)
		ds, err := datasets.Listed(train, list.path)
		if err != nil {
			return nil, err
		}
		add(list.name(), "list "+list.path, list.epochs, ds)
	}
	if len(o.Lists) > 0 {
		return out, nil
	}
	for _, s := range o.Shares {
		ds, err := datasets.Share(train, s.Share, o.SplitSeed)
		if err != nil {
			return nil, usage.Wrap(err)
		}
		add(shareName(s.Share), fmt.Sprintf("drawn, seed %d", o.SplitSeed), s.Epochs, ds)
	}
	return out, nil
}

func shareName(share float64) string { return fmt.Sprintf("%g%%", 100*share) }

// Names are those of parts.
func (o *FineTuneOptions) Names() (out []string) {
	for _, list := range o.Lists {
		out = append(out, parseLabelList(list).name())
	}
	if out == nil {
		for _, s := range o.Shares {
			out = append(out, shareName(s.Share))
		}
	}
	return out
}

// OwnEpochs are those that parts name, 0 of the others.
func (o *FineTuneOptions) OwnEpochs() (out []int) {
	for _, list := range o.Lists {
		out = append(out, parseLabelList(list).epochs)
	}
	if out == nil {
		for _, s := range o.Shares {
			out = append(out, s.Epochs)
		}
	}
	return out
}

// Splits says where the labelled pictures are from.
func (o *FineTuneOptions) Splits() string {
	if len(o.Lists) > 0 {
		return "splits: the lists " + strings.Join(o.Names(), ", ")
	}
	return "splits drawn by the seed, the same share of each class, not published lists (--label-list takes those)"
}
