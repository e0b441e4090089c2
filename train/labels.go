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

// LabelShare is a share of the labels, and the epochs of fine-tuning with it. 0 epochs means
// FineTuneOptions.DefaultEpochs, or SimCLR's number for such a share.
type LabelShare struct {
	Share  float64
	Epochs int
}

// labelList is a file that names labelled pictures, with epochs as in LabelShare.
type labelList struct {
	path   string
	epochs int
}

// parseLabelList parses FILE or FILE:EPOCHS. The name of an existing file may itself end in a colon and a number.
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

// usualEpochs returns SimCLR's epochs (arXiv 2002.05709): 60 with 1 % of the pictures, 30 with 10 %. Other shares have
// the epochs of the nearer one.
func usualEpochs(share float64) int {
	if share < 0.05 {
		return 60
	}
	return 30
}

// labelledPart holds the pictures whose labels fine-tuning may use.
type labelledPart struct {
	name, split string
	epochs      int
	ds          datasets.Dataset
}

// parts returns the training pictures of each list, or of each share if there are no lists.
func (o *FineTuneOptions) parts(train datasets.Dataset) (out []labelledPart, err error) {
	add := func(name, split string, epochs int, ds datasets.Dataset) {
		if epochs == 0 {
			epochs = o.DefaultEpochs
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

// Names returns the names of parts.
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

// OwnEpochs returns the epochs that each part names, 0 for one that names none.
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

// Splits tells how the labelled pictures were chosen.
func (o *FineTuneOptions) Splits() string {
	if len(o.Lists) > 0 {
		return "splits: the lists " + strings.Join(o.Names(), ", ")
	}
	return "splits drawn by the seed, the same share of each class, not published lists (--label-list takes those)"
}
