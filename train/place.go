package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

// keepBytes is the largest data set that a GPU keeps by default. STL-10 with its unlabelled pictures is 3 GB.
const keepBytes = 4 << 30

// place is where the views of a run are made.
type place struct {
	device bool           // otherwise on the host
	kept   *datasets.Kept // the pictures, if the device keeps them
	bytes  int64          // of the kept pictures
}

// String is the line that a run prints at its start.
func (p place) String() string {
	switch {
	case p.kept != nil:
		return fmt.Sprintf("views on the device, of %d MB of pictures kept there", (p.bytes+500_000)/1_000_000)
	case p.device:
		return "views on the device, of pictures sent to it as bytes"
	}
	return "views on the host"
}

// choice returns an error if value is none of all.
func choice(setting, value string, all ...string) error {
	if slices.Contains(all, value) {
		return nil
	}
	return usage.Wrap(suggest.Unknown(setting, value, all))
}

// place decides where views are made, and copies the pictures to the device if it keeps them. The default is to make
// views on a GPU: from kept pictures if they have one known size and fit, otherwise from pictures cropped on the host.
// Each process of a job keeps all pictures, since each epoch distributes them anew.
func (c *Config) place(
	ctx context.Context, s *torch.Scope, w io.Writer, ds datasets.Dataset, views []*transforms.Pipeline,
) (p place, err error) {
	if err := c.checkPlace(); err != nil {
		return p, err
	}
	device, err := torch.ParseDevice(c.Device)
	if err != nil {
		return p, usage.Wrap(err)
	}
	size, gpu := c.keptBytes(ds), device != gotch.CPU
	keep := c.KeepOnDevice == "yes" || c.KeepOnDevice == "auto" && gpu && 0 < size && size <= keepBytes
	switch c.AugmentOn {
	case "host":
		return p, nil
	case "auto":
		p.device = c.KeepOnDevice == "yes" || gpu && canOnDevice(views, keep || size > 0)
	default:
		p.device = true
	}
	if !p.device || !keep {
		return p, nil
	}
	err = p.keep(ctx, s, ds, device, c.Workers)
	if mixed := (*datasets.MixedSizeError)(nil); errors.As(err, &mixed) && c.KeepOnDevice == "auto" {
		field.Fprintf(w, "note: %v\n", err)
		return place{device: c.AugmentOn == "device" || canOnDevice(views, false)}, nil
	}
	if err != nil {
		return p, field.Errorf("{train.KeepOnDevice}: %w; give {train.KeepOnDevice} no", err)
	}
	return p, nil
}

// keep copies the pictures to the device.
func (p *place) keep(
	ctx context.Context, s *torch.Scope, ds datasets.Dataset, device gotch.Device, workers int,
) (err error) {
	if p.kept, err = datasets.Keep(ctx, s, ds, device, workers); err == nil {
		p.bytes = int64(3*p.kept.Width*p.kept.Height) * int64(ds.Len())
	}
	return err
}

// checkPlace returns an error if the settings of place are unknown or contradict each other.
func (c *Config) checkPlace() error {
	if err := cmp.Or(choice("{train.AugmentOn}", c.AugmentOn, "auto", "host", "device"),
		choice("{train.KeepOnDevice}", c.KeepOnDevice, "auto", "yes", "no")); err != nil {
		return err
	}
	if c.AugmentOn == "host" && c.KeepOnDevice == "yes" {
		return usage.Errorf("{train.KeepOnDevice} yes: the host makes the views, and has no use for it; give " +
			"{train.AugmentOn} device, or leave it out")
	}
	return nil
}

// keptBytes returns the memory that the pictures take on the device. It is 0 if their size is not known.
func (c *Config) keptBytes(ds datasets.Dataset) int64 {
	width, height := datasets.Size(ds)
	size := int64(3*width*height) * int64(ds.Len())
	if c.Intervene.Has("swap") { // the device also keeps a mask and a background for each picture
		return size * 7 / 3
	}
	return size
}

// canOnDevice reports whether a device can make at least one of the views, from pictures of one size or from crops.
func canOnDevice(views []*transforms.Pipeline, oneSize bool) bool {
	for _, v := range views {
		if v.CheckDevice() == nil && (oneSize || v.CropFirst) {
			return true
		}
	}
	return false
}
