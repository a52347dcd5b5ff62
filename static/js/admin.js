// The back office's pickers (select2) take the name of the field that they stand for, so that it is read aloud.
const name = (picker) => {
  const label = document.querySelector(`label[for="${picker.previousElementSibling?.id}"]`);
  const shown = picker.querySelector(".select2-selection__rendered");
  if (!label || !shown) return;
  label.id ||= `label-${label.htmlFor}`;
  picker.querySelector(".select2-selection").setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
  for (const each of ["role", "aria-readonly"]) shown.removeAttribute(each);
};
const nameAll = () => document.querySelectorAll(".select2-container").forEach(name);
window.addEventListener("load", () => window.django?.jQuery?.(nameAll)); // after theirs, which may come later than this
document.addEventListener("formset:added", () => setTimeout(nameAll));
