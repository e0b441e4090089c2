package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/settings"
	"github.com/icl-msr/icl-msr/train"
)

// bindLabels binds the flags of the labelled pictures and of the epochs over them.
func bindLabels(f *pflag.FlagSet, o *train.FineTuneOptions, epochs string) {
	f.Var(&labelShares{to: &o.Shares}, "labels",
		"shares of the labels, each with or without its epochs; every class has the same share, drawn by a seed")
	f.StringSliceVar(&o.Lists, "label-list", o.Lists,
		"FILE[:EPOCHS]: files that name the labelled pictures; they replace --labels "+
			"(SimCLR's 1percent.txt, 10percent.txt)")
	f.IntVar(&o.DefaultEpochs, epochs, o.DefaultEpochs,
		"passes over the labelled pictures if --labels gives no epochs (0: as in SimCLR, 60 with 1 % of the pictures, 30 "+
			"with 10 %)")
}

// labelShares is the value of a flag SHARE[:EPOCHS],.... If the flag is given several times, the shares add up to one
// list.
type labelShares struct {
	to    *[]train.LabelShare
	given bool // the default has been replaced
}

// String implements pflag.Value.
func (l *labelShares) String() string {
	var out []string
	for _, s := range *l.to {
		text := fmt.Sprint(s.Share)
		if s.Epochs > 0 {
			text += fmt.Sprintf(":%d", s.Epochs)
		}
		out = append(out, text)
	}
	return strings.Join(out, ",")
}

// Set implements pflag.Value.
func (l *labelShares) Set(text string) error {
	var out []train.LabelShare
	for part := range strings.SplitSeq(text, ",") {
		s, err := parseLabelShare(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		out = append(out, s)
	}
	if l.given {
		out = append(*l.to, out...)
	}
	*l.to, l.given = out, true
	return nil
}

// Type implements pflag.Value.
func (l *labelShares) Type() string { return "share[:epochs]" }

func parseLabelShare(text string) (s train.LabelShare, err error) {
	share, epochs, own := strings.Cut(text, ":")
	if s.Share, err = strconv.ParseFloat(share, 64); err != nil {
		return s, fmt.Errorf("%q: want SHARE or SHARE:EPOCHS, as 0.01:60", text)
	}
	if !own {
		return s, nil
	}
	if s.Epochs, err = strconv.Atoi(epochs); err != nil || s.Epochs < 1 || settings.Octal(epochs) {
		return s, fmt.Errorf("%q: want a whole number of epochs, 1 or more, after the colon, as 0.01:60", text)
	}
	return s, nil
}
