package methods

import (
	"fmt"
	"math/rand/v2"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// pcl is Li et al. 2021, prototypical contrastive learning: MoCo, and each
// picture picks its cluster among those that k-means found, at the epoch's
// start, of the target's embeddings. All clusters are candidates.
type pcl struct{ moco }

func newPCL(c Config) model.Method { return pcl{moco{base{c, "pcl"}}} }

const clusterState = "clusters"

// counts are the numbers of clusters of the three clusterings: in proportion
// to the data, those of the paper's 25, 50 and 100 thousand of ImageNet.
func (m pcl) counts() []int64 {
	if len(m.c.Prototypes) > 0 {
		return m.c.Prototypes
	}
	n := m.c.Pictures
	return []int64{max(2, n/50), max(2, n/25), max(2, n/12)}
}

func (m pcl) Networks(backbone nets.Encoder) (model.Networks, error) {
	n, err := m.moco.Networks(backbone)
	if err != nil {
		return n, err
	}
	for i, k := range m.counts() {
		if k < 1 || m.c.Pictures > 0 && k > m.c.Pictures {
			return n, fmt.Errorf("%d clusters of %d pictures", k, m.c.Pictures)
		}
		n.State = append(n.State,
			nets.Spec{Name: fmt.Sprintf("centroids.%d", i), Shape: []int64{k, m.c.Dim}, Init: nets.UnitRows()},
			nets.Spec{Name: fmt.Sprintf("density.%d", i), Shape: []int64{k}, Init: nets.Constant(m.c.Temperature)})
	}
	n.State = append(n.State, nets.Spec{Name: clusterState, Shape: []int64{int64(len(m.counts())), m.c.Pictures}, Init: nets.Index()})
	return n, nil
}

func (m pcl) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	loss := m.moco.Loss(s, p)
	if m.warm(p.Clock) {
		return loss
	}
	all := p.StateTensor(s, clusterState)
	terms := float64(2 * len(m.counts()))
	for i := range m.counts() {
		centroids, density := p.StateTensor(s, fmt.Sprintf("centroids.%d", i)), p.StateTensor(s, fmt.Sprintf("density.%d", i))
		own := s.IndexSelect(s.Select(all, 0, int64(i)), 0, p.Batch.Indices)
		for _, z := range p.Z[:2] {
			loss = s.Add(loss, s.MulScalar(losses.ProtoNCE(s, z, centroids, density, own), 1/terms))
		}
	}
	return loss
}

func (m pcl) warm(c model.Clock) bool { return float64(c.Epoch) < m.c.option("warm")*float64(c.Epochs) }

// Blind implements Blind: the clusters' part depends on how they lie.
func (m pcl) Blind(int) float64 { return 0 }

// Phase implements Phased.
func (m pcl) Phase(c model.Clock) int {
	if m.warm(c) {
		return 0
	}
	return 1
}

// Surveys reports whether the epoch that begins needs clusters.
func (m pcl) Surveys(c model.Clock) bool { return !m.warm(c) }

// Survey clusters the target's embeddings z [P, d] of all pictures.
func (m pcl) Survey(s *torch.Scope, p *model.Pass, z torch.Tensor) {
	z = s.Normalize(z)
	var own []torch.Tensor
	for i, k := range m.counts() {
		rng := rand.New(rand.NewPCG(p.Clock.Seed, uint64(p.Clock.Epoch)<<8|uint64(i)))
		c := kMeans(s, z, k, m.c.count("turns"), rng)
		found := torch.Slice[float64](s, s.Figures(c.distances, c.own)) // in one transfer
		if s.Err() != nil {
			return
		}
		distances, labels := found[:len(found)/2], make([]int64, len(found)/2)
		for i, label := range found[len(distances):] {
			labels[i] = int64(label)
		}
		phi := densities(labels, distances, int(k), m.c.Temperature)
		density := p.StateTensor(s, fmt.Sprintf("density.%d", i))
		s.Copy(p.StateTensor(s, fmt.Sprintf("centroids.%d", i)), s.Normalize(c.centroids))
		s.Copy(density, s.To(torch.FromSlice(s, phi, s.Like(z).Device, k), s.Like(density)))
		own = append(own, c.own)
	}
	s.Copy(p.StateTensor(s, clusterState), s.Stack(0, own...))
}
