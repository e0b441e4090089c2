package losses

import "github.com/icl-msr/icl-msr/torch"

// ProtoNCE is the prototype term of prototypical contrastive learning (Li et al. 2021, arXiv 2005.04966, eq. 11). Each
// embedding z [N, d] is to pick its cluster, own [N], among centroids [K, d]. The loss is -log softmax of the cosines
// over each cluster's density [K], the mean over embeddings.
func ProtoNCE(s *torch.Scope, z, centroids, density, own torch.Tensor) torch.Tensor {
	return s.CrossEntropy(s.Div(cosines(s, z, centroids, 1), density), own)
}
