package train

import (
	"context"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/torch"
)

// intervene adds the interventions that the configuration names to a loader's options, and returns what there is to
// tell of them. What they keep on the device belongs to s.
func (c *Config) intervene(
	ctx context.Context, s *torch.Scope, ds datasets.Dataset, o *datasets.LoaderOptions,
) (notes []string, err error) {
	e, err := interventions.New(ctx, c.Intervene,
		interventions.Setting{Dataset: ds, Batch: c.BatchSize, Seed: c.Seed, Workers: c.Workers})
	if err != nil {
		return nil, err
	}
	o.Order = e.Order
	if e.Pictures == nil {
		return e.Notes, nil
	}
	o.Intervene = e.Pictures
	if o.Kept == nil {
		return e.Notes, nil
	}
	device, err := torch.ParseDevice(c.Device)
	if err != nil {
		return nil, usage.Wrap(err)
	}
	o.InterveneKept, err = e.Pictures.Keep(ctx, s, device, c.Workers)
	return e.Notes, err
}
