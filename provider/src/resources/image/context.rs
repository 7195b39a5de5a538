//! What an image is built from: the files of a context, or the URL of a repository.

use std::{collections::BTreeSet, fs, path::Path};

use framework::{Diagnostic, Diagnostics, Field};

use super::model::ImageModel;
use crate::failure::tree_error;
use tree::{Dockerignore, Tree, sha256};
