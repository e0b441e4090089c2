package methods

import (
	"fmt"
	"math/rand/v2"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// pcl is Li et al. 2021 (arXiv 2005.04966), prototypical contrastive learning: MoCo, and each picture picks its cluster
// among those that k-means found, at the epoch's start, of the target's embeddings. All clusters are candidates.
type pcl struct{ moco }

func newPCL(b Base) model.Method { return pcl{moco{b}} }

const clusterState = "clusters"

func centroidsState(clustering int) string { return fmt.Sprintf("centroids.%d", clustering) }
func densityState(clustering int) string   { return fmt.Sprintf("density.%d", clustering) }

// counts are the numbers of clusters of the three clusterings. They are to the data as the paper's 25, 50 and 100
// thousand are to ImageNet.
func (m pcl) counts() []int64 {
	if len(m.Config.Prototypes) > 0 {
		return m.Config.Prototypes
	}
	n := m.Config.Pictures
	return []int64{max(2, n/50), max(2, n/25), max(2, n/12)}
}

func (m pcl) Networks(backbone nets.Encoder) (model.Networks, error) {
	n, err := m.moco.Networks(backbone)
	if err != nil {
		return n, err
	}
	pictures := m.Config.Pictures
	for i, k := range m.counts() {
		if k < 1 || pictures > 0 && k > pictures {
			return n, fmt.Errorf("%d clusters of %d pictures", k, pictures)
		}
		n.State = append(n.State,
			nets.Spec{Name: centroidsState(i), Shape: []int64{k, m.Config.Dim}, Init: nets.UnitRows()},
			nets.Spec{Name: densityState(i), Shape: []int64{k}, Init: nets.Constant(m.Config.Temperature)})
	}
	labels := []int64{int64(len(m.counts())), pictures}
	n.State = append(n.State, nets.Spec{Name: clusterState, Shape: labels, Init: nets.Index()})
	return n, nil
}

func (m pcl) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	loss := m.moco.Loss(s, p)
	if m.warmingUp(p.Clock) {
		return loss
	}
	all := p.StateTensor(s, clusterState)
	terms := float64(2 * len(m.counts()))
	for i := range m.counts() {
		centroids, density := p.StateTensor(s, centroidsState(i)), p.StateTensor(s, densityState(i))
		labels := s.IndexSelect(s.Select(all, 0, int64(i)), 0, p.Batch.Indices)
		for _, z := range p.Z[:2] {
			loss = s.Add(loss, s.MulScalar(losses.ProtoNCE(s, z, centroids, density, labels), 1/terms))
		}
	}
	return loss
}

// warmingUp reports whether the epoch has no clusters yet.
func (m pcl) warmingUp(c model.Clock) bool {
	return float64(c.Epoch) < m.Option("warmup")*float64(c.Epochs)
}

// CollapsedLoss implements model.CollapseDetector: unknown, since the term of the clusters depends on where they lie.
func (m pcl) CollapsedLoss(int) float64 { return 0 }

// Phase implements model.Phased.
func (m pcl) Phase(c model.Clock) int {
	if m.warmingUp(c) {
		return 0
	}
	return 1
}

// Surveys reports whether the epoch that begins needs clusters.
func (m pcl) Surveys(c model.Clock) bool { return !m.warmingUp(c) }

// Survey clusters the target's embeddings z [P, d] of all pictures.
func (m pcl) Survey(s *torch.Scope, p *model.Pass, z torch.Tensor) {
	z = s.Normalize(z)
	var labels []torch.Tensor
	for i, k := range m.counts() {
		rng := rand.New(rand.NewPCG(p.Clock.Seed, uint64(p.Clock.Epoch)<<8|uint64(i)))
		c := kMeans(s, z, k, m.Count("iterations"), rng)
		phi := m.densities(s, c, k)
		if s.Err() != nil {
			return
		}
		density := p.StateTensor(s, densityState(i))
		s.Copy(p.StateTensor(s, centroidsState(i)), s.Normalize(c.centroids))
		s.Copy(density, s.To(torch.FromSlice(s, phi, s.Like(z).Device, k), s.Like(density)))
		labels = append(labels, c.labels)
	}
	s.Copy(p.StateTensor(s, clusterState), s.Stack(0, labels...))
}

// densities are phi of each of k clusters.
func (m pcl) densities(s *torch.Scope, c clusters, k int64) []float64 {
	found := torch.Slice[float64](s, s.Figures(c.distances, c.labels)) // in one transfer
	if s.Err() != nil {
		return nil
	}
	distances, labels := found[:len(found)/2], make([]int64, len(found)/2)
	for i, label := range found[len(distances):] {
		labels[i] = int64(label)
	}
	return densities(labels, distances, int(k), m.Config.Temperature)
}
