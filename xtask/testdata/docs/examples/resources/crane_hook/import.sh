tofu import crane_hook.one 17
