package datasets

import (
	"math/rand/v2"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

// Augment turns a picture into a view: 3*S*S values, channel by channel, with S = Side().
type Augment interface {
	Side() int
	Apply(dst []float32, src transforms.Part, rng *rand.Rand, b *transforms.Scratch) error
}

// Stager is an augmentation that can run in two stages: the host draws the random parameters, and the
// device makes the views of a whole batch. transforms.Pipeline is one.
type Stager interface {
	// CheckDevice returns an error if the device cannot make these views.
	CheckDevice() error
	// Stage prepares a picture on the host. Finish makes the views on the device.
	Stage(st *transforms.Staged, src transforms.Part, rng *rand.Rand, b *transforms.Scratch) error
	Finish(s *torch.Scope, st *transforms.Staged, device gotch.Device) torch.Tensor
	// StageKept and FinishKept do the same for pictures that the device keeps.
	StageKept(st *transforms.Staged, width, height int, rng *rand.Rand)
	FinishKept(s *torch.Scope, st *transforms.Staged, pictures torch.Tensor) torch.Tensor
}

// plainStager makes un-augmented pictures from those that a device keeps. transforms.Plain is one.
type plainStager interface {
	FinishKept(s *torch.Scope, pictures torch.Tensor) torch.Tensor
}

// LoaderOptions configures a loader.
type LoaderOptions struct {
	BatchSize int
	Shuffle   bool
	DropLast  bool
	Seed      uint64
	Workers   int       // goroutines; 0: one for each core
	Prefetch  int       // batches made ahead; 0: two for each worker
	Views     []Augment // one augmentation for each view
	Plain     Augment   // makes the un-augmented picture; nil: not needed
	// Scaled decodes large JPEGs at 1/2, 1/4 or 1/8 of their size if no view needs more pixels. This is
	// faster, and views differ by a few grey levels.
	Scaled bool
	// Staged has the device make the views whose augmentation is a Stager that it can finish
	// (Batch.Staged, Batch.Finish).
	Staged bool
	// Kept has the pictures of the data set on a device. The device then makes all views, and Plain,
	// that it can. The host reads pictures only for views that it has to make itself.
	Kept *Kept
	// Rank and Ranks are for a data-parallel job. The loader makes share Rank of the Ranks shares of
	// each batch. Shares are in the order of the batch and have one length; if the batch does not
	// divide, its last picture fills up the last shares. Ranks 0 or 1 makes whole batches.
	Rank, Ranks int
	// Bad is called with a picture that cannot be read, also from several goroutines at once. If it
	// returns nil, the next picture that can be read takes its place. If Bad is nil, the first error
	// ends the epoch.
	Bad func(picture int, err error) error
	// LeaveOut makes the batch shorter if a picture cannot be read, so that no picture counts twice. It
	// is for evaluation, and for training in one process.
	LeaveOut bool
	// Intervene changes each picture before a view of it is made (interventions.Swap), or is nil. Whole
	// pictures are then decoded. Plain shows pictures as they are.
	Intervene Intervention
	// InterveneKept does the same on the device. Kept with Intervene needs it.
	InterveneKept KeptIntervention
	// Order returns the pictures of an epoch in place of Shuffle (interventions.Order), or is nil. It needs
	// DropLast, and returns Steps() whole batches.
	Order func(epoch uint64) []int
	// Least is the length of the shortest batch that is yielded (0: 1). Batch norms need two pictures.
	Least int
}

// UnevenBatchError is the error of a batch size that the number of processes does not divide.
type UnevenBatchError struct{ BatchSize, Ranks int }

func (u *UnevenBatchError) Error() string { return u.Unwrap().Error() }

// Unwrap returns the error that names the field.
func (u *UnevenBatchError) Unwrap() error {
	share := u.BatchSize / u.Ranks
	return field.Errorf("{datasets.BatchSize} %d does not divide by the job's %d processes; use %d or %d",
		u.BatchSize, u.Ranks, max(1, share)*u.Ranks, (share+1)*u.Ranks)
}

// Batch has N pictures. In a job this is a rank's share of a batch of Total pictures. S is the side of
// each augmentation.
type Batch struct {
	N       int
	Total   int
	Indices []int               // of the pictures in the data set
	Labels  []int64             // -1: no label
	Views   [][]float32         // each [N, 3, S, S] in row-major order; nil: Finish makes the view
	Staged  []transforms.Staged // input of Finish for the views that are nil; the others are empty
	Plain   []float32           // [N, 3, S, S]; nil: not needed, or Finish makes it

	loader *Loader
	rows   []int64
	donors [][]int64 // for each view, those that InterveneKept chose
}
