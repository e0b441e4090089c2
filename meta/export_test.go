package meta

// SetLate lets t look at figures as late on the CPU as on a device.
func SetLate(t *Trainer) { t.late = true }

func (s Sums) Epoch(n int) Epoch { return s.epoch(n) }

func (s *Sums) Add(name string, v float64) { s.add(name, v) }

// EpochNames are the names of an epoch's scalars.
func EpochNames() (names []string) {
	for _, row := range scalarsOfEpoch() {
		names = append(names, row.name)
	}
	return names
}
