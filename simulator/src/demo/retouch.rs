use crate::library::{Edit, FileName, NewPhoto};

/// Changes to a photo that read better after it than around it.
pub trait Retouch: Sized {
    fn favourite(self) -> Self;
    fn named(self, name: FileName) -> Self;
    fn edited(self, edit: Edit) -> Self;
    fn captioned(self, caption: &str) -> Self;
}

impl Retouch for NewPhoto {
    fn favourite(self) -> NewPhoto {
        NewPhoto { favourite: true, ..self }
    }

    fn named(self, file_name: FileName) -> NewPhoto {
        NewPhoto { file_name, ..self }
    }

    fn edited(self, edit: Edit) -> NewPhoto {
        NewPhoto { edit: Some(edit), ..self }
    }

    fn captioned(self, caption: &str) -> NewPhoto {
        NewPhoto { caption: Some(caption.to_owned()), ..self }
    }
}
