import {
  to = crane_hook.one
  id = "17"
}
