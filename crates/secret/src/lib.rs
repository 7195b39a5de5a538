//! Values that cannot be printed by accident.
