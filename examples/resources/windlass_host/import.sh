# <connection>
tofu import windlass_host.web 'ssh://deploy@web.example.org?host_key=ssh-ed25519:SHA256:-DiY3wvvV6TuJJhbpZisF_zLDA0zPMSvHdkr4UvCOqU'
