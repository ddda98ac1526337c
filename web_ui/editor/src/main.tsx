document.title = "Latent Loom";
