package model

// View says how a view of a picture is made.
type View string

// The kinds of views. The data set's augmentation says what each is.
const (
	Strong View = "strong" // the augmentation of section 6.2
	Weak   View = "weak"   // crop and flip alone
	Small  View = "small"  // a smaller crop of a smaller share of the picture (multi-crop)
	Lab    View = "lab"    // strong, as L, a, b; un-augmented pictures are then in these colours as well
	Rand   View = "rand"   // strong, with RandAugment (InfoMin)
)
