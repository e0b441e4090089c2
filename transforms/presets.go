package transforms

// Preset is the augmentation for one kind of data set.
type Preset struct {
	View  Pipeline // makes the random views
	Plain Plain    // makes the un-augmented picture
}

func preset(size, resize int, norm Normalization) Preset {
	return Preset{
		View: Pipeline{
			Size: size, Scale: [2]float64{0.2, 1}, Ratio: [2]float64{3. / 4, 4. / 3}, Filter: Bicubic,
			Jitter: Jitter{0.4, 0.4, 0.4, 0.1}, JitterP: 0.8, GrayP: 0.1, FlipP: 0.5, Norm: norm,
		},
		Plain: Plain{Size: size, Resize: resize, Norm: norm},
	}
}

// CIFAR is the augmentation of CIFAR-10 in section 6.2 of arXiv 2206.14702, with that set's statistics.
func CIFAR() Preset {
	return preset(
		32,
		0,
		Normalization{Mean: [3]float64{0.4914, 0.4822, 0.4465}, Std: [3]float64{0.2023, 0.1994, 0.2010}},
	)
}

// CIFAR100 is the augmentation of CIFAR-100 in section 6.2: CIFAR's views with that set's own statistics, as the
// baseline has them (htdt/self-supervised, datasets/cifar100.py).
func CIFAR100() Preset {
	return preset(
		32,
		0,
		Normalization{Mean: [3]float64{0.5071, 0.4867, 0.4408}, Std: [3]float64{0.2675, 0.2565, 0.2761}},
	)
}

// TinyImageNet is the augmentation of Tiny ImageNet in section 6.2.
func TinyImageNet() Preset {
	return preset(64, 0, Normalization{Mean: [3]float64{0.480, 0.448, 0.398}, Std: [3]float64{0.277, 0.269, 0.282}})
}

// STL10 is the augmentation of STL-10 in the baseline (htdt/self-supervised).
func STL10() Preset {
	return preset(64, 70, Normalization{Mean: [3]float64{0.43, 0.42, 0.39}, Std: [3]float64{0.27, 0.26, 0.27}})
}

// ImageNet is the augmentation of ImageNet and ImageNet-100 in section 6.2. It crops first, as SimCLR
// does (arXiv 2002.05709), which is also several times faster.
func ImageNet() Preset {
	p := preset(224, 256, Normalization{Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}})
	p.View.CropFirst = true
	p.View.Scale = [2]float64{0.08, 1}
	p.View.Jitter, p.View.GrayP = Jitter{0.8, 0.8, 0.8, 0.2}, 0.2
	p.View.BlurP, p.View.BlurKernel, p.View.BlurSigma = 0.5, 23, [2]float64{0.1, 2}
	return p
}

// WithSize returns the preset for views of another size. Plain then resizes without a centre crop.
func (p Preset) WithSize(size int) Preset {
	if size != p.View.Size {
		p.View.Size, p.Plain.Size, p.Plain.Resize = size, size, 0
	}
	return p
}

// Weak is the view with crop and flip only, of the teacher in ReSSL (arXiv 2107.09282).
func (p Preset) Weak() Pipeline {
	v := p.View
	v.JitterP, v.GrayP, v.BlurP, v.SolarizeP = 0, 0, 0, 0
	return v
}

// Small is the small view of multi-crop (SwAV, arXiv 2006.09882). It shows 5 to 14 percent of the
// picture. Its side is to that of the large view as 96 to 224.
func (p Preset) Small() Pipeline {
	v := p.View
	v.Size = max(8, v.Size*96/224/4*4)
	v.Scale = [2]float64{0.05, 0.14}
	return v
}

// Lab returns the preset with all pictures in Lab (CMC, arXiv 1906.05849).
func (p Preset) Lab() Preset {
	p.View.Norm, p.Plain.Norm = labNorm(), labNorm()
	return p
}

// InfoMin is the view of Tian et al. 2020 (arXiv 2005.10243): strong jitter, blur, gray, and RandAugment
// with two operations at strength 10.
func (p Preset) InfoMin() Pipeline {
	v := p.View
	v.Scale[0] = 0.2
	v.Jitter, v.JitterP, v.GrayP = Jitter{0.8, 0.8, 0.8, 0.2}, 0.8, 0.2
	v.BlurP, v.BlurKernel, v.BlurSigma = 0.5, max(3, v.Size/20*2+1), [2]float64{0.1, 2}
	v.Rand = RandAugment{Operations: 2, Strength: 10, Deviation: 0.5}
	return v
}
