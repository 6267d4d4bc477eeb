// Package view says what became of a camera's view between two pictures: the first still
// of a preset and the one of the re-inspection, or two photographs taken by hand through
// a ghost overlay. It lays the second upon the first by shifting, turning and scaling it,
// says how much the two agree then, and whether the camera still looks where it did.
//
// # Pictures
//
// Both are upright: nothing is read but pixels, so whoever has originals gives the
// previews that imaging derives of them, which are turned as their EXIF says; what
// imaging.Work.See shows is not turned and does only for stills of cameras. Compare looks
// at grey pictures of at most Side pixels a side, of the narrower one's width if that is
// less, however large they came in. Different sizes and
// proportions do no harm: both pictures are thought equally wide and centre upon centre,
// each as high as it is, and nothing is squeezed; bars at the edge (letterboxes) are part
// of a picture.
//
// # Method
//
// Corners are found at six sizes, shared out over the picture, and described by the lines
// around them. Those that look alike in both pictures and like no other are pairs. Every
// two pairs propose an alignment; taken is the one that pairs in the most places of the
// picture agree with. It is fitted to them and then, by small steps, to where the edges
// of both pictures agree best. Nothing is drawn by lot: the same pictures give the same
// answer.
//
// Light is left out three times: only the slope of lightness is looked at, not lightness;
// light on dark is the same line as dark on light (a window by day and by night); and a
// slope counts by what is usual around it. People and papers that moved agree with no
// alignment and are outvoted by place, not by number. What a camera burns into the top
// and the bottom of its picture bears no witness.
//
// # The figure
//
// Similarity is the correlation of the edges (their directions, weighed as above) over
// the part that both pictures show once aligned, in hundredths: how much of what draws
// lines is where it was. It is no probability and no judgement. Measured on drawn rooms:
// 85 to 98 in another light with noise and JPEG at quality 60; 45 to 70 with people over
// a quarter of the picture besides; from 20 where everything comes together. Rooms that
// have nothing to do with each other would have less than 20, and are OTHER.
//
// # Limits
//
//   - A similarity is what a shifted picture needs. A camera that pans by many degrees
//     with a wide lens, or was carried to another spot, is aligned in the middle or where
//     most is to be seen, and is off by some percent towards the edges.
//   - Turns of more than about 15°, zooms beyond about 1.5, and less than a third of the
//     picture in common are OTHER.
//   - Better OTHER than wrong: where people hide much and light is bad, an alignment that
//     a person would find may be given up.
//   - Bare walls have no corners: an unchanged view is still the same, a moved one OTHER.
//   - Where things repeat (tiles, blinds, a row of counters) and a moved view lies as well
//     one repeat further, it is OTHER; a shift by exactly one repeat looks like none. Two
//     rooms built and furnished alike to the tile are the same view.
//   - It compares views, not findings: the figure does not say whether something was
//     remedied.
package view
