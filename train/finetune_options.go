package train

import (
	"slices"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/usage"
)

// FineTuneOptions are the options of fine-tuning.
type FineTuneOptions struct {
	eval.FineTuneConfig
	Shares        []LabelShare
	Lists         []string
	DefaultEpochs int // epochs of parts that name none; 0: SimCLR's number for such a share
	Batch         int
	Threads       int
	Machine
	Scratch   bool
	SplitSeed uint64
}

// Check returns an error now that fine-tuning would meet after hours of training. epochs is what errors call
// DefaultEpochs, and given says whether the user set it.
func (o *FineTuneOptions) Check(epochs string, given bool) error {
	for _, s := range o.Shares {
		if !(s.Share > 0 && s.Share <= 1) {
			return usage.Errorf("{train.Shares} %g: want shares above 0, up to 1", s.Share)
		}
	}
	for _, text := range o.Lists {
		if list := parseLabelList(text); !outfile.Exists(list.path) {
			return usage.Errorf("{train.Lists} %s: no such file", list.path)
		}
	}
	if given {
		c := o.FineTuneConfig
		if c.Epochs = o.DefaultEpochs; !slices.Contains(o.OwnEpochs(), 0) && c.Validate() == nil {
			return usage.Errorf(epochs+" %d: all of {train.Shares} and {train.Lists} name their own; leave one of both out",
				o.DefaultEpochs)
		}
		if err := c.Validate(); err != nil {
			return usage.Wrap(err)
		}
	}
	if err := o.Validate(); err != nil {
		return usage.Wrap(err)
	}
	return nil
}

// DefaultFineTune fine-tunes with 1 % and with 10 % of the labels, on the CPU.
func DefaultFineTune() FineTuneOptions {
	return FineTuneOptions{FineTuneConfig: eval.DefaultFineTune(), Batch: 256, Machine: OnCPU(),
		Shares: []LabelShare{{0.01, 0}, {0.1, 0}}}
}
