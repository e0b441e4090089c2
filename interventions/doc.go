// Package interventions changes what a method learns about backgrounds, without labels. It acts on pictures (Swap
// puts another background behind an object), on the order of batches (strata of backgrounds) and on the weights of
// negatives (conditional contrastive losses).
//
// # Where it is called
//
// An Intervention is called by the loader for each view, on the decoded picture, before the view's augmentation. A
// field Intervene of datasets.LoaderOptions would hold it. In the loader's fill, before the view's seed is set:
//
//	part := m
//	if l.o.Intervene != nil {
//		changed, err := l.o.Intervene.Apply(m.Image, epoch, i, v, &w.picture)
//		part = transforms.Whole(changed)
//	}
//
// The loader must then ask for whole pictures (need returns all). If the device keeps all pictures (datasets.Kept),
// the host only draws the donors (Swap.Choose), and Kept.Apply does the rest on the device.
//
// Order makes the order of an epoch. A field Order func(epoch uint64) []int of datasets.LoaderOptions would hold it,
// and the loader's order would return it. A batch is then of one stratum, in each process of a job.
//
// WeighNegatives adds weights to a table of logits. A field LogWeights of losses.Batch would hold them, and
// similarities in losses/ would add them; all losses of a losses.Batch then have conditional negatives.
package interventions
