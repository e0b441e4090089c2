// Package interventions changes what a method learns about backgrounds, without labels. It acts on pictures (Swap
// puts another background behind an object), on the order of batches (strata of backgrounds) and on the weights of
// negatives (conditional contrastive losses).
//
// # Where it is called
//
// Interventions lists them by name, and New builds one. Effects are what they change of a training:
//
//   - Effects.Pictures: the loader calls Apply on the decoded picture before each view's augmentation
//     (LoaderOptions.Intervene). Views that the device finishes are staged from the picture shown.
//   - Keeper.Keep: if the device keeps all pictures (datasets.Kept), the host draws donors, and the device swaps
//     (LoaderOptions.InterveneKept).
//   - Effects.Order gives the pictures of an epoch in order (LoaderOptions.Order). A batch is then of one stratum, in
//     each process of a job.
//   - Effects.Weights makes, of the indices of a batch, log weights of its pictures as negatives of each other
//     (meta.Trainer.LogWeights, losses.Pair.LogWeights). Losses are those of the whole batch on each rank of a job, so
//     that nothing is gathered beside the indices. A queue has no weights: methods with one are refused.
package interventions
