// Package interventions changes what a method learns about backgrounds, without labels. It acts on pictures (Swap
// puts another background behind an object), on the order of batches (strata of backgrounds) and on the weights of
// negatives (conditional contrastive losses).
//
// # Where it is called
//
// The loader calls an Intervention for each view, on the decoded picture, before the view's augmentation. datasets
// cannot import this package: an interface with the method Apply would stand in datasets, in a field Intervene of
// LoaderOptions. In Loader.fill, before the view's seed is set:
//
//	if l.o.Intervene != nil {
//		shown, err := l.o.Intervene.Apply(m.Image, epoch, i, v, &w.picture) // one buffer for each worker
//		m = transforms.Whole(shown)
//	}
//
// Loader.need must then ask for all of each picture. Views that the device finishes need no more, as they are staged
// from the picture shown. If the device keeps all pictures (datasets.Kept), the host draws donors (Swap.Choose), and
// Batch.Make hands each view's pictures, their numbers and the donors to Kept.Apply before it calls OfKept.
//
// Order makes the order of an epoch. A field Order func(epoch uint64) []int of LoaderOptions would hold it, and
// Loader.order would return it. A batch is then of one stratum, in each process of a job.
//
// WeighNegatives adds weights to a table of logits. A field LogWeights of losses.Pair would hold them, and
// similarities in losses/ would add them; all losses of a losses.Pair then have conditional negatives. The strata, or
// the features, of all pictures are one tensor on the device, whose rows a batch's indices choose; in a job the
// candidates' rows are gathered beside their embeddings, and a queue stores its rows' beside its keys.
package interventions
