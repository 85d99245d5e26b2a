use std::f32::consts::TAU;

use image::RgbImage;

use super::random::Random;

type Colour = [u8; 3];

/// Sky above, sky at the horizon, far ridge, near ridge.
const PALETTES: [[Colour; 4]; 6] = [
    [[64, 132, 206], [214, 232, 244], [96, 128, 152], [44, 84, 66]],
    [[42, 38, 92], [246, 150, 98], [112, 66, 100], [36, 26, 48]],
    [[120, 176, 208], [250, 238, 214], [186, 166, 128], [128, 102, 66]],
    [[14, 20, 48], [60, 84, 130], [36, 48, 84], [12, 16, 30]],
    [[150, 190, 200], [236, 240, 240], [150, 172, 170], [70, 110, 90]],
    [[230, 120, 130], [252, 220, 170], [140, 96, 130], [70, 52, 92]],
];

/// The digits 0 to 9, three columns by five rows, top row in the highest three bits.
const DIGITS: [u16; 10] = [
    0b111_101_101_101_111,
    0b010_110_010_010_111,
    0b111_001_111_100_111,
    0b111_001_111_001_111,
    0b101_101_111_001_001,
    0b111_100_111_001_111,
    0b111_100_111_101_111,
    0b111_001_001_001_001,
    0b111_101_111_101_111,
    0b111_101_111_001_111,
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Motif {
    Hills,
    Sea,
    City,
}

/// A landscape by simple maths: a sky, a sun, two ridges (hills, waves or roofs), and the picture's number in the corner,
/// so that a person who looks at two files sees two different pictures.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    pub seed: u64,
    /// Shown in the lower right corner.
    pub number: u32,
}

impl Scene {
    pub fn new(number: u32) -> Self {
        Self { seed: u64::from(number), number }
    }

    pub fn paint(&self, width: u32, height: u32) -> RgbImage {
        self.frame(width, height, 0.0)
    }

    /// The scene at a moment of a film, `0.0 ..= 1.0`: the sun wanders and the near ridge moves.
    pub fn frame(&self, width: u32, height: u32, moment: f32) -> RgbImage {
        let mut random = Random::new(self.seed);
        let palette = random.pick(&PALETTES);
        let motif = *random.pick(&[Motif::Hills, Motif::Hills, Motif::Sea, Motif::City]);
        let mut far = ridge(&mut random, motif, width, height, 0.45, 0.0);
        let near = ridge(&mut random, motif, width, height, 0.7, moment);
        far.iter_mut().zip(&near).for_each(|(far, near)| *far = (*far).min(*near));
        let mut picture = RgbImage::new(width, height);
        for (y, line) in (0..).zip(picture.chunks_exact_mut(3 * width as usize)) {
            let colours = [mix(palette[0], palette[1], y as f32 / height as f32), palette[2], palette[3]];
            for ((pixel, far), near) in line.as_chunks_mut().0.iter_mut().zip(&far).zip(&near) {
                *pixel = colours[usize::from(y >= *far) + usize::from(y >= *near)];
            }
        }
        paint_sun(&mut picture, &mut random, &far, moment);
        write_number(&mut picture, self.number);
        picture
    }
}

/// A disc in the sky; the ridges hide it.
fn paint_sun(picture: &mut RgbImage, random: &mut Random, ridge: &[u32], moment: f32) {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let centre_x = ((random.between(0.15, 0.65) + 0.2 * moment) * width) as i32;
    let centre_y = ((random.between(0.12, 0.35) + 0.1 * moment) * height) as i32;
    let radius = (height * random.between(0.04, 0.1)) as i32;
    for (dx, dy) in (-radius..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dx, dy))) {
        let (x, y) = ((centre_x + dx) as u32, (centre_y + dy) as u32);
        if dx * dx + dy * dy <= radius * radius && ridge.get(x as usize).is_some_and(|top| y < *top) {
            picture.put_pixel(x, y, image::Rgb([255, 244, 204]));
        }
    }
}

/// The first row of a ridge in every column; `level` is its mean height from the top, as a part of the picture's.
fn ridge(random: &mut Random, motif: Motif, width: u32, height: u32, level: f32, moment: f32) -> Vec<u32> {
    let waves: Vec<[f32; 3]> = (0..3)
        .map(|i| [random.between(1.0, 3.0) * (i + 1) as f32, random.unit() * TAU, 0.08 / (i + 1) as f32])
        .collect();
    let towers: Vec<f32> = (0..24).map(|_| random.between(-0.14, 0.1)).collect();
    let at = |x: u32| {
        let u = x as f32 / width as f32;
        let swing: f32 = waves.iter().map(|[turns, phase, size]| (u * turns * TAU + phase + moment).sin() * size).sum();
        match motif {
            Motif::Hills => swing,
            Motif::Sea => (u * 40.0 + moment * 12.0).sin() * 0.012,
            Motif::City => towers[((u + moment * 0.1) * 16.0) as usize % towers.len()],
        }
    };
    (0..width).map(|x| ((level + at(x)) * height as f32) as u32).collect()
}

fn mix(from: Colour, to: Colour, part: f32) -> Colour {
    std::array::from_fn(|i| (f32::from(from[i]) + (f32::from(to[i]) - f32::from(from[i])) * part) as u8)
}

fn write_number(picture: &mut RgbImage, number: u32) {
    let dot = (picture.height() / 60).max(1);
    let text = format!("{number:04}");
    let left = picture.width().saturating_sub(dot * (4 * text.len() as u32 + 1));
    let top = picture.height().saturating_sub(dot * 7);
    for (place, digit) in text.bytes().enumerate() {
        write_digit(picture, DIGITS[usize::from(digit - b'0')], left + dot * 4 * place as u32, top, dot);
    }
}

fn write_digit(picture: &mut RgbImage, digit: u16, left: u32, top: u32, dot: u32) {
    for bit in (0..15u32).filter(|bit| digit >> (14 - bit) & 1 == 1) {
        for (dx, dy) in (0..dot * dot).map(|i| (i % dot, i / dot)) {
            let (x, y) = (left + bit % 3 * dot + dx, top + bit / 3 * dot + dy);
            if x < picture.width() && y < picture.height() {
                picture.put_pixel(x, y, image::Rgb([250, 250, 250]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_paints_the_same_picture_and_another_one_another() {
        let one = Scene::new(7).paint(64, 48);
        assert_eq!(one, Scene::new(7).paint(64, 48));
        assert_ne!(one, Scene::new(8).paint(64, 48));
        assert_ne!(one, Scene::new(7).frame(64, 48, 0.5));
    }
}
