//! Resource numbers: the type in the high bits, so that a number tells its type and the resources of
//! one type lie together.

use fhir::ResourceType;

const SHIFT: u32 = 40;

/// The least number of a type (never given to a resource).
pub(crate) fn first_of(kind: ResourceType) -> i64 {
    i64::from(kind.number()) << SHIFT
}

/// The number after the last one of a type.
pub(crate) fn end_of(kind: ResourceType) -> i64 {
    (i64::from(kind.number()) + 1) << SHIFT
}

/// A contained resource in a list of numbers: above the number of its container (which has 48 bits) stands its
/// place in `contained`, from 1.
const CONTAINER: u32 = 48;

/// The number of a contained resource; `None` when there are more of them than a number can tell.
pub(crate) fn contained_in(rid: i64, place: usize) -> Option<i64> {
    let above = i64::try_from(place + 1).ok().filter(|above| *above < 1 << (63 - CONTAINER))?;
    Some(above << CONTAINER | rid)
}

/// The number of a resource, and the place of the contained one within it, if that is meant.
pub(crate) fn parted(number: i64) -> (i64, Option<usize>) {
    let above = number >> CONTAINER;
    (number & ((1 << CONTAINER) - 1), usize::try_from(above - 1).ok())
}

pub(crate) fn kind_number(rid: i64) -> i64 {
    rid >> SHIFT
}

pub(crate) fn kind_of(rid: i64) -> Option<ResourceType> {
    u8::try_from(rid >> SHIFT).ok().and_then(ResourceType::from_number)
}
