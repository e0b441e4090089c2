// Package interventions changes what a method learns about backgrounds, without labels. It acts on pictures (Swap
// puts another background behind an object), on the order of batches (strata of backgrounds) and on the weights of
// negatives (conditional contrastive losses).
//
// # Where it is called
//
// Interventions lists the interventions by name, and New builds them. Effects hold what they change in a training:
//
//   - Effects.Pictures: the loader calls Apply on the decoded picture before each view's augmentation
//     (LoaderOptions.Intervene). If the device finishes a view, the view is staged from the changed picture.
//   - Keeper.Keep: if the device keeps all pictures (datasets.Kept), the host draws donors, and the device swaps
//     backgrounds (LoaderOptions.InterveneKept).
//   - Effects.Order gives the pictures of an epoch in order (LoaderOptions.Order). Each batch then has one stratum, in
//     each process of a job.
//   - Effects.Weights maps the indices of a batch to the log weights of its pictures as negatives of each other
//     (meta.Trainer.LogWeights, losses.Pair.LogWeights). Each rank of a job computes the losses of the whole batch, so
//     that only the indices are gathered. A queue has no weights, so methods with a queue are refused.
package interventions
