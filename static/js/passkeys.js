// Passkeys: asks the browser for one and sends what it says with the form. The server's options stand in the page.
(() => {
  const form = document.getElementById("passkey-form");
  const button = document.getElementById("passkey-button");
  if (!form || !button) return;
  const failed = document.getElementById("passkey-failed");

  const optionsInPage = () => JSON.parse(document.getElementById("passkey-options").textContent);
  const ways = {
    // To sign in without a password: nobody is named yet, so the options are asked for when they are wanted.
    enter: async () => {
      const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.status);
      return webauthnJSON.get((await answer.json()).request_options);
    },
    use: () => webauthnJSON.get(optionsInPage().request_options),
    add: () => {
      const options = optionsInPage().creation_options;
      Object.assign(options.publicKey.authenticatorSelection, {
        residentKey: "required", requireResidentKey: true, userVerification: "required",
      });
      return webauthnJSON.create(options);
    },
  };

  button.addEventListener("click", async () => {
    failed.hidden = true;
    button.disabled = true;
    try {
      document.getElementById("passkey-credential").value = JSON.stringify(await ways[button.dataset.passkey]());
      form.submit();
    } catch (error) {
      failed.hidden = false;
      button.disabled = false;
    }
  });
})();
